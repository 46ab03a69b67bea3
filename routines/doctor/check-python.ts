/** Python or uv, for services that make an environment of their own when they run natively. */
import { findPythons, type Python } from "../host/find-python.ts";
import { ifReadable } from "./_if-readable.ts";
import type { Check } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface PythonFacts {
  /** Its path. */
  uv: string | undefined;
  /** Undefined where nobody has looked: with uv, or where nothing needs one. */
  pythons: readonly Pick<Python, "path" | "version" | "hasVenv" | "problem">[] | undefined;
  /** Natives of the selection that make an environment. */
  needing: readonly string[];
  platform: NodeJS.Platform;
}

/** Their manager makes one. */
const MAKING = ["speaches"];

export function judgePython({ uv, pythons, needing, platform }: PythonFacts): Finding {
  if (uv !== undefined) return ok(`uv (${uv}), which brings whatever Python a service needs`);
  if (pythons === undefined) return ok(`not looked for: ${MAKING.join(", ")} would need it, and is not to run natively`);
  const usable = pythons.filter(({ problem }) => problem === undefined);
  const best = usable.find(({ hasVenv }) => hasVenv);
  if (best !== undefined) return ok(`Python ${best.version} (${best.path})`);
  const bare = usable[0];
  const trouble = {
    what:
      bare === undefined
        ? "neither uv nor a Python that can be used"
        : `Python ${bare.version} makes no environments (${bare.path}), and there is no uv`,
    why: `${(needing.length > 0 ? needing : MAKING).join(", ")} cannot run natively`,
    fix:
      platform === "darwin"
        ? "brew install uv"
        : "Install uv (https://docs.astral.sh/uv/getting-started/installation), or `sudo apt-get install python3-venv`",
  };
  return needing.length > 0 ? failed(trouble) : warning(trouble);
}

/** Where no plan can be made, nothing is known to need it. */
async function findNeeding(context: DoctorContext): Promise<string[]> {
  const natives = (await ifReadable(context.plan))?.plan.natives ?? [];
  return natives.map(({ handle }) => handle).filter((handle) => MAKING.includes(handle));
}

export const checkPython: Check = {
  name: "python",
  group: "host",
  about: "Python or uv, for services that make an environment of their own",
  async run(context) {
    const { env, platform } = context;
    const needing = await findNeeding(context);
    const uv = Bun.which("uv", { PATH: env.PATH ?? "" }) ?? undefined;
    const pythons = uv === undefined && needing.length > 0 ? await findPythons({ env, platform, timeoutMs: 3_000 }) : undefined;
    return judgePython({ uv, pythons, needing, platform });
  },
};
