/** Whether a container really reaches this host: firewalls between a bridge and its host are the silent kind. */
import type { EngineKind } from "../engine/detect-engine-kind.ts";
import { ifReadable } from "./_if-readable.ts";
import { type BridgeTrial, tryBridge } from "./_try-bridge.ts";
import type { Check } from "./check.ts";
import { askOrThrow, type DoctorContext } from "./context.ts";
import { type Finding, failed, ok, skipped, warning } from "./finding.ts";

export interface BridgeFacts {
  trial: BridgeTrial;
  kind: EngineKind;
  /** Native services with `bridge: direct`: they are reached by the gateway and nothing else. */
  direct: readonly string[];
}

/** By their addresses: bridges of stacks have other names each time. */
const FIREWALL =
  "Let the engine's networks in: `sudo ufw allow from 172.16.0.0/12`, or `sudo firewall-cmd --permanent --zone=trusted --add-source=172.16.0.0/12` and `--reload`; containers then reach every service of this host";

export function judgeBridge({ trial, kind, direct }: BridgeFacts): Finding[] {
  if (trial.skipped !== undefined) return [skipped(trial.skipped)];
  return trial.ways.map(({ way, address, isReached, problem }) => {
    if (problem !== undefined) return skipped(problem);
    const name = way === "relay" ? "the relay's way (the host's own network)" : `the gateway (${address})`;
    if (isReached) return ok(`a container of ${trial.image} reached this host by ${name}`);
    const isNeeded = way === "relay" || kind !== "linux" || direct.length > 0;
    const trouble = {
      what: `a container of ${trial.image} did not reach this host by ${name}`,
      why: wordWhy(way, kind, direct),
      fix:
        way === "relay"
          ? "Set HARBOR_ENGINE_KIND to what the engine is (desktop, rootless, remote): its host network is not this host's"
          : FIREWALL,
    };
    return isNeeded ? failed(trouble) : warning(trouble);
  });
}

function wordWhy(way: "relay" | "gateway", kind: EngineKind, direct: readonly string[]): string {
  if (way === "relay" || kind !== "linux") return "Containers cannot use native services";
  if (direct.length > 0) return `Containers cannot use ${direct.join(", ")}: with \`bridge: direct\` this is the only way`;
  return "Harbor's relay does not need it, but `bridge: direct` and containers of your own that use host.docker.internal do";
}

/** A name that every engine with images of the internet has to know. */
export const REGISTRY = "registry-1.docker.io";

const trials = new WeakMap<DoctorContext, Promise<BridgeTrial>>();

/** Once for all checks that want to know. */
export function bridgeTrial(context: DoctorContext): Promise<BridgeTrial> {
  const known = trials.get(context);
  if (known !== undefined) return known;
  const begin = async (): Promise<BridgeTrial> => {
    const { engine, kind } = await context.engine();
    const options = { engine, kind: context.wantedKind() ?? kind, values: context.values(), name: REGISTRY, signal: context.signal };
    return askOrThrow("try a connection from a container", () => tryBridge(options));
  };
  const trial = begin();
  trials.set(context, trial);
  return trial;
}

export const checkBridge: Check = {
  name: "bridge",
  group: "network",
  about: "whether a container reaches this host, by a real connection",
  async run(context) {
    const trial = await bridgeTrial(context);
    const { kind } = await context.engine();
    const natives = (await ifReadable(context.plan))?.plan.natives ?? [];
    const direct = natives.filter(({ bridge }) => bridge === "direct").map(({ handle }) => handle);
    return judgeBridge({ trial, kind: context.wantedKind() ?? kind, direct });
  },
};
