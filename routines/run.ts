#!/usr/bin/env bun
/**
 * `harbor run`: a service's program with the user's own arguments: a native one's on this host, another's in a container of its own.
 *
 *   bun routines/run.ts ollama list
 */
import { type ArgSpecs, defineCommand } from "./_script/command.ts";
import { HarborError } from "./_script/error.ts";
import { readLeadingOptions } from "./_script/leading-options.ts";
import { endWith, runScript } from "./_script/script.ts";
import { findHome } from "./config/find-home.ts";
import { runProgram } from "./native/run-program.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { readStack } from "./stack/read-stack.ts";
import { hasContract, resolveNative } from "./stack/resolve-native.ts";
import { checkHandle, listHandles, throwUnknown } from "./workspace/list-handles.ts";

/** Its own, which stand before the handle. */
const ownArgs = { workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" } } as const satisfies ArgSpecs;

interface Line {
  workspace: string | undefined;
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
  return { workspace: args.workspace, handle, words };
}

/** Its exit code. Throws `unknown` for what is no service. */
async function runService({ handle, words, workspace: directory }: Line): Promise<number> {
  const { env } = process;
  const home = findHome(env);
  const record = readStack(home);
  const { workspace } = findStackWorkspace({ home, record, directory });
  checkHandle(handle);
  const handles = listHandles(workspace);
  if (!handles.includes(handle)) throwUnknown(handle, handles);
  if (hasContract(handle, workspace)) {
    const spec = await resolveNative({ handle, env, workspace, record });
    return runProgram({ spec, words, environment: env });
  }
  const { runContainer } = await import("./stack/run-container.ts");
  return runContainer({ handle, words, env, workspace, record });
}

export const command = defineCommand({
  meta: {
    name: "run",
    description: "Run a service's program with your own arguments",
    examples: [
      "harbor run ollama list            Natively: its contract's program, on this host",
      "harbor run ollama --help",
      "harbor run webui python -V        In a container of its own, gone afterwards",
    ],
  },
  args: {
    ...ownArgs,
    handle: { type: "positional", description: "Service handle; options of Harbor's own stand before it", required: true },
    words: { type: "positional", description: "All that follows goes to the program, options too", multiple: true },
  },
  passThrough: true,
  async run({ rest }) {
    endWith(await runService(readLine(rest)));
  },
});

if (import.meta.main) await runScript(command);
