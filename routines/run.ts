#!/usr/bin/env bun
/**
 * `harbor run`: the program of a native service's contract, with the user's own arguments; or an alias.
 *
 *   bun routines/run.ts ollama list
 */
import { join } from "node:path";
import { type ArgSpecs, defineCommand } from "./_script/command.ts";
import { HarborError } from "./_script/error.ts";
import { handOverToNamed } from "./_script/hand-over.ts";
import { parseCommandArgs } from "./_script/parse-args.ts";
import { programRoot } from "./_script/program-root.ts";
import { endWith, runScript } from "./_script/script.ts";
import { makePlan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { readAliases } from "./config/aliases.ts";
import { findHome } from "./config/find-home.ts";
import { atPort } from "./native/resolve-contract.ts";
import { runProgram } from "./native/run-program.ts";
import type { NativeSpec } from "./native/start-process.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { readStack, type StackRecord } from "./stack/read-stack.ts";
import { whatRuns } from "./stack/what-runs.ts";
import type { Workspace } from "./workspace/find-workspace.ts";
import { listFiles } from "./workspace/list-files.ts";
import { checkHandle, listHandles, throwUnknown } from "./workspace/list-handles.ts";

/** Its own, which stand before the handle. */
const ownArgs = { workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" } } as const satisfies ArgSpecs;

interface Line {
  workspace: string | undefined;
  handle: string;
  /** For the program, every one of them as it was typed. */
  words: readonly string[];
}

/** Up to the handle the words are ours; after it none is. */
function readLine(line: readonly string[]): Line {
  let at = 0;
  while (line[at]?.startsWith("-") && line[at] !== "--") at += line[at] === "--workspace" ? 2 : 1;
  const { args } = parseCommandArgs(line.slice(0, at), ownArgs, "harbor run");
  const [handle, ...words] = line.slice(line[at] === "--" ? at + 1 : at);
  if (handle === undefined) {
    throw new HarborError('Cannot run "run": <handle> is missing', { exit: "usage", hint: "Run `harbor run --help`" });
  }
  return { workspace: args.workspace, handle, words };
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

/** As a start would have it, beside what runs. */
async function resolveSpec({ handle, workspace: directory }: Line): Promise<NativeSpec> {
  const { env } = process;
  const home = findHome(env);
  const record = readStack(home);
  const { workspace } = findStackWorkspace({ home, record, directory });
  checkContract(handle, workspace, record);
  const { args } = parseCommandArgs([`--exclude=${handle}`, "--no-defaults"], selectionArgs, "harbor run");
  const { plan } = await makePlan({ args, env, workspace, running: whatRuns(record) });
  const spec = plan.natives.find((native) => native.handle === handle);
  if (spec === undefined) throw new Error(`the plan runs "${handle}" natively and has no process for it`);
  // one that sleeps is talked to where the supervisor listens for it
  return atPort(spec, spec.port);
}

/** Throws `unknown` for what is no service, `failed` for one whose programs are in a container. */
function checkContract(handle: string, workspace: Workspace, record: StackRecord | undefined): void {
  checkHandle(handle);
  const handles = listHandles(workspace);
  if (!handles.includes(handle)) throwUnknown(handle, [...handles, ...readAliases(workspace.home).keys()]);
  const files = listFiles({ workspace, handles: [handle], capabilities: new Set() });
  if (files.some((file) => file.kind === "contract" && file.parts[0] === handle)) return;
  const container = record?.planned.find((planned) => planned.handle === handle)?.containers[0];
  throw new HarborError(`Cannot run a program of "${handle}" on this host: it has no native contract (${handle}_native.yml)`, {
    hint:
      container === undefined
        ? `Its programs are in its container: harbor up ${handle}`
        : `Its programs are in its container: docker exec -it ${record?.project}-${container}-1 <program>`,
  });
}

export const command = defineCommand({
  meta: {
    name: "run",
    description: "Run a native service's program with your own arguments, or an alias",
    examples: [
      "harbor run ollama list",
      "harbor run models              An alias, as `harbor alias` shows them",
      "harbor run ollama --help",
      "harbor run redis --version",
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
    endWith(await runProgram({ spec: await resolveSpec(line), words: line.words, environment: process.env }));
  },
});

if (import.meta.main) await runScript(command);
