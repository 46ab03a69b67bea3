#!/usr/bin/env bun
/**
 * `harbor run`: a service's program with the user's own arguments: a native one's on this host, another's in a container of its
 * own; or an alias.
 *
 *   bun routines/run.ts ollama list
 */
import { join } from "node:path";
import { type ArgSpecs, defineCommand } from "./_script/command.ts";
import { HarborError } from "./_script/error.ts";
import { handOverToNamed } from "./_script/hand-over.ts";
import { readLeadingOptions } from "./_script/leading-options.ts";
import { programRoot } from "./_script/program-root.ts";
import { endWith, runScript } from "./_script/script.ts";
import { readAliases } from "./config/aliases.ts";
import { findHome } from "./config/find-home.ts";
import { runProgram } from "./native/run-program.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { readStack } from "./stack/read-stack.ts";
import { hasContract, resolveNative } from "./stack/resolve-native.ts";
import { checkHandle, listHandles, throwUnknown } from "./workspace/list-handles.ts";

/** Its own, which stand before the handle. */
const ownArgs = {
  container: { type: "boolean", alias: "c", description: "In a container of its own, also where it has a native contract" },
  workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
} as const satisfies ArgSpecs;

interface Line {
  workspace: string | undefined;
  isContainer: boolean;
  handle: string;
  /** For the program, every one of them as it was typed. */
  words: readonly string[];
}

function readLine(line: readonly string[]): Line {
  const { args, words: all } = readLeadingOptions(line, ownArgs, "harbor run");
  const [handle, ...words] = all;
  if (handle === undefined) {
    throw new HarborError('Cannot run "run": <handle> is missing', { exit: "usage", hint: "Run `harbor run --help`" });
  }
  return { workspace: args.workspace, isContainer: args.container, handle, words };
}

/** Of the user's own, with what is typed behind it; undefined where none is called so. */
function findAlias({ handle, words }: Line): string[] | undefined {
  const line = readAliases(findHome(process.env)).get(handle);
  return line === undefined ? undefined : [...line, ...words];
}

/** Names of the aliases that run above this command. */
const RUNNING = "HARBOR_RUNNING_ALIASES";

/** The words as they are, in the environment and folder of whoever types; `harbor` is this Harbor. Throws for one that runs itself. */
function runAlias(name: string, [program = "", ...words]: readonly string[]): Promise<number> {
  const above = (process.env[RUNNING] ?? "").split(" ").filter((it) => it !== "");
  if (above.includes(name)) throw new HarborError(`Cannot run the alias "${name}": it runs itself (${[...above, name].join(", ")})`);
  const argv = [program === "harbor" ? join(programRoot(), "bin", "harbor") : program, ...words];
  // what the launcher sets is for Harbor alone
  const env = { ...process.env, BUN_JSC_thresholdForJITAfterWarmUp: undefined, [RUNNING]: [...above, name].join(" ") };
  return handOverToNamed({ argv, env });
}

/** Its exit code. Throws `unknown` for what is no service. */
async function runService({ handle, words, workspace: directory, isContainer }: Line): Promise<number> {
  const { env } = process;
  const home = findHome(env);
  const record = readStack(home);
  const { workspace } = findStackWorkspace({ home, record, directory });
  checkHandle(handle);
  const handles = listHandles(workspace);
  if (!handles.includes(handle)) throwUnknown(handle, [...handles, ...readAliases(home).keys()]);
  if (!isContainer && hasContract(handle, workspace)) {
    const spec = await resolveNative({ handle, env, workspace, record });
    return runProgram({ spec, words, environment: env });
  }
  const { runContainer } = await import("./stack/run-container.ts");
  return runContainer({ handle, words, env, workspace, record });
}

export const command = defineCommand({
  meta: {
    name: "run",
    description: "Run a service's program with your own arguments, or an alias",
    examples: [
      "harbor run ollama list            Natively: its contract's program, on this host",
      "harbor run ollama --help",
      "harbor run webui python -V        In a container of its own, gone afterwards",
      "harbor run models                 An alias, as `harbor alias` shows them",
    ],
  },
  args: {
    ...ownArgs,
    handle: {
      type: "positional",
      description: "Service handle or alias; options of Harbor's own stand before it",
      required: true,
      completes: "program",
    },
    words: { type: "positional", description: "All that follows goes to the program, options too", multiple: true },
  },
  passThrough: true,
  async run({ rest }) {
    const line = readLine(rest);
    const alias = findAlias(line);
    if (alias !== undefined) return endWith(await runAlias(line.handle, alias));
    endWith(await runService(line));
  },
});

if (import.meta.main) await runScript(command);
