/** Writes what a tool is given into its private folder, and runs it in our place. */
import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { handOver } from "../_script/hand-over.ts";
import { makePrivateFolder, writeFileWhole } from "../_script/write-file.ts";
import type { Launch } from "./make-launch.ts";

export interface RunToolOptions {
  launch: Launch;
  /** `$HARBOR_HOME/state`. */
  stateDirectory: string;
  /** The user's own, which the tool gets as well. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** What bin/harbor sets for itself: tools that are made of bun would be slower by it. */
const OURS = ["BUN_JSC_thresholdForJITAfterWarmUp"];

/** Its exit code; 128 and the signal's number where one ended it. Throws `missing` where the system cannot run it. */
export async function runTool({ launch, stateDirectory, environment }: RunToolOptions): Promise<number> {
  const { tool, program, args, env, unset, files } = launch;
  if (Object.keys(files).length > 0) {
    const folder = join(stateDirectory, "launch", tool);
    makePrivateFolder(folder);
    chmodSync(folder, 0o700); // the tool may have made it first
  }
  for (const [path, text] of Object.entries(files)) {
    makePrivateFolder(dirname(path));
    writeFileWhole(path, text);
  }
  const rest = Object.fromEntries(Object.entries(environment).filter(([name]) => !unset.includes(name) && !OURS.includes(name)));
  return await handOver({ argv: [program, ...args], env: { ...rest, ...env } }).catch((cause: unknown) => {
    throw new HarborError(`Cannot launch "${tool}": the system cannot run "${program}" (${(cause as Error).message})`, {
      exit: "missing",
      cause,
    });
  });
}
