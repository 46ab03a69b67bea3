/** Whether containers of this engine can reach native services, and what Harbor takes the engine for. */
import type { EngineKind } from "../engine/detect-engine-kind.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface EngineKindFacts {
  /** By the engine's own words. */
  kind: EngineKind;
  /** `HARBOR_ENGINE_KIND`. */
  wanted: EngineKind | undefined;
  /** Of the selection. */
  natives: readonly string[];
  contained: readonly string[];
}

const WORDS: Readonly<Record<EngineKind, string>> = {
  linux: "on this kernel: containers reach native services by the relay",
  desktop: "in a virtual machine: containers reach native services by its gateway to this host",
  podman: "Podman: containers reach native services by its gateway to this host",
  rootless: "a rootless engine: its containers do not reach this host's loopback",
  remote: "on another machine: its containers reach neither this host's loopback nor its folders",
};

export function judgeEngineKind({ kind, wanted, natives, contained }: EngineKindFacts): Finding {
  const what = WORDS[kind];
  if (wanted !== undefined && wanted !== kind) {
    return warning({
      what: `HARBOR_ENGINE_KIND says ${wanted}, the engine itself ${kind}`,
      why: "By it Harbor chooses how containers reach native services: with the wrong one they do not",
      fix: "harbor config unset engine_kind, unless the engine is wrong about itself",
    });
  }
  if (kind !== "rootless" && kind !== "remote") return ok(what);
  const trouble = {
    what,
    why:
      natives.length > 0 && contained.length > 0
        ? `${contained.join(", ")} would not find ${natives.join(", ")}, so that Harbor does not start them together`
        : "A service that runs natively cannot be used from a container",
    fix:
      kind === "rootless"
        ? "Use an engine that runs as root or Docker Desktop for both together"
        : "Use an engine of this machine for both together",
  };
  return natives.length > 0 && contained.length > 0 ? failed(trouble) : warning(trouble);
}

export const checkEngineKind: Check = {
  name: "engine-kind",
  group: "engine",
  about: "whether containers of this engine can reach native services",
  async run(context) {
    const { kind } = await context.engine();
    const contained = await context.contained();
    const natives = [...(await context.selected())].filter((handle) => !contained.includes(handle));
    return judgeEngineKind({ kind, wanted: context.wantedKind(), natives, contained });
  },
};
