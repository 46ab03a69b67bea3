/** What the subcommands of `harbor config`, and the verbs that change one key of it, have in common. */
import { HarborError } from "./_script/error.ts";
import { checkSetting } from "./config/check-setting.ts";
import { findHome } from "./config/find-home.ts";
import { type Key, listKeys } from "./config/list-keys.ts";
import { type Env, readValues, type Values } from "./config/read-values.ts";
import { checkRuntime, runtimeVariable } from "./config/runtime-preference.ts";
import { readMount, splitMounts, volumesVariable } from "./config/service-volumes.ts";
import { readKind } from "./engine/detect-engine-kind.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { readStack, type StackRecord } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { describeService } from "./workspace/describe-service.ts";
import type { Workspace } from "./workspace/find-workspace.ts";
import { checkHandle, listHandles, throwUnknown } from "./workspace/list-handles.ts";

export const workspaceArg = { workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" } } as const;
export const showSecretsArg = {
  "show-secrets": { type: "boolean", description: "Show the values of keys, tokens and passwords" },
} as const;
export const KEY = "A key: ollama.host_port, or HARBOR_OLLAMA_HOST_PORT";

/** Where a verb works, without the keys, which take all files to find. */
export interface Place {
  home: string;
  record: StackRecord | undefined;
  workspace: Workspace;
}

export function findPlace(directory: string | undefined): Place {
  const home = findHome(process.env);
  const record = readStack(home);
  return { home, record, workspace: findStackWorkspace({ home, record, directory }).workspace };
}

export interface Configuration extends Place {
  keys: Map<string, Key>;
  values: Values;
}

export function readConfiguration(directory: string | undefined): Configuration {
  const place = findPlace(directory);
  const { workspace } = place;
  return { ...place, keys: listKeys({ workspace }), values: readValues({ workspace, env: process.env }) };
}

/** The values alone, without the keys that there are. */
export function readConfigured(directory: string | undefined): Pick<Configuration, "workspace" | "values"> {
  const { workspace } = findPlace(directory);
  return { workspace, values: readValues({ workspace, env: process.env }) };
}

/** What the files say, whatever this shell has set: what a list is added to. */
export function readFileValues(workspace: Workspace): Values {
  const env: Env = { HOME: process.env.HOME, HARBOR_HOME: process.env.HARBOR_HOME };
  return readValues({ workspace, env });
}

/** Throws `usage` or `unknown` for a handle that no layer has. */
export function requireHandle(handle: string, workspace: Workspace): void {
  checkHandle(handle);
  const handles = listHandles(workspace);
  if (!handles.includes(handle)) throwUnknown(handle, handles);
}

/** Values that Harbor itself reads, or a folder declares, must be right; any other is the service's. Throws `usage`. */
export function checkValue(name: string, value: string, { keys, workspace }: Pick<Configuration, "keys" | "workspace">): void {
  if (name === "HARBOR_ENGINE_KIND") readKind(value);
  const handle = listHandles(workspace).find((candidate) => runtimeVariable(candidate) === name);
  if (handle !== undefined || name === runtimeVariable()) checkPreference(value, handle, workspace);
  const mounted = listHandles(workspace).some((candidate) => volumesVariable(candidate) === name);
  if (mounted) for (const item of splitMounts(value)) readMount(item, { directory: workspace.home, env: process.env });
  const { declared, problem } = keys.get(name) ?? {};
  if (problem !== undefined) throw problem;
  if (declared !== undefined) checkSetting(declared, value);
}

function checkPreference(value: string, handle: string | undefined, workspace: Workspace): void {
  if (value === "") return;
  const runtime = checkRuntime(value, `runtime "${value}"`, handle);
  if (runtime === "connected") return;
  if (handle === undefined || runtime === "auto" || describeService(handle, workspace).runtimes.includes(runtime)) return;
  const lacks = runtime === "native" ? `contract (${handle}_native.yml)` : `definition (compose.${handle}.yml)`;
  throw new HarborError(`Cannot prefer "${handle}" ${runtime}: it has no ${lacks}`, { hint: "`harbor ls` shows what each can run on" });
}

/** One word, or one after `--` where it begins with a dash; `-` is what stdin says. */
export async function readValue(word: string | undefined, rest: readonly string[]): Promise<string> {
  const [value, ...more] = [...(word === undefined ? [] : [word]), ...rest];
  if (value === undefined || more.length > 0) {
    const state = value === undefined ? "the value is missing" : `it takes one value, not "${more[0]}" as well`;
    throw new HarborError(`Cannot set a value: ${state}`, {
      exit: "usage",
      hint: "Put a value of several words in quotes; an empty one is ''",
    });
  }
  return value === "-" && rest.length === 0 ? (await Bun.stdin.text()).replace(/\r?\n$/, "") : value;
}

/** Of a key that this shell sets as well: what was written has no say here. */
export function warnOfEnvironment(name: string, value: string | undefined): void {
  const here = process.env[name];
  if (here !== undefined && here !== value) warn([`${name} is set in the environment too, which goes first`]);
}

/** Where what runs has to be started anew. */
export function noteIfUp(handle: string, record: StackRecord | undefined): void {
  if (record?.services.includes(handle)) note(`${handle} is up: the next \`harbor up\` applies it`);
}
