/**
 * Whether the engine is new enough. Docker's release notes: 20.10 knows `host-gateway`; 28.0 keeps neighbours of the network from
 * ports that are published on loopback (moby/moby#49325).
 */
import type { EngineKind } from "../engine/detect-engine-kind.ts";
import { isOlder } from "./_is-older.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface EngineVersionFacts {
  version: string;
  kind: EngineKind;
}

const OLDEST = { docker: "20.10", podman: "4.0" };
const GUARDED = "28.0";

export function judgeEngineVersion({ version, kind }: EngineVersionFacts): Finding {
  const oldest = kind === "podman" ? OLDEST.podman : OLDEST.docker;
  if (isOlder(version, oldest)) {
    const what = `version ${version}, older than ${oldest}`;
    return failed({ what, why: "Services' files ask for what it does not know", fix: `Update it to ${oldest} or newer` });
  }
  if (kind !== "linux" || !isOlder(version, GUARDED)) return ok(`version ${version}`);
  return warning({
    what: `version ${version}, older than ${GUARDED}`,
    why: "Another machine of the same network that adds a route can reach what containers publish on 127.0.0.1",
    fix: `Update Docker to ${GUARDED} or newer, or run services natively: those are out of reach with any version`,
  });
}

export const checkEngineVersion: Check = {
  name: "engine-version",
  group: "engine",
  about: "whether the engine is new enough",
  async run(context) {
    const { engine, kind } = await context.engine();
    return judgeEngineVersion({ version: engine.version, kind });
  },
};
