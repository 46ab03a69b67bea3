/** Words that there are at the moment: services, keys, capabilities. Read from files alone, so that a shell need not wait. */
import { readFileSync } from "node:fs";
import type { Completion } from "../_script/command.ts";
import { HarborError } from "../_script/error.ts";
import { findHome } from "../config/find-home.ts";
import { findKey } from "../config/find-key.ts";
import { listKeys } from "../config/list-keys.ts";
import { keyOf } from "../config/name-variable.ts";
import { parseEnv } from "../config/parse-env.ts";
import type { Env } from "../config/read-values.ts";
import { RUNTIMES, runtimeVariable } from "../config/runtime-preference.ts";
import { configFile } from "../config/write-values.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import { readStack } from "../stack/read-stack.ts";
import { describeService } from "../workspace/describe-service.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";

export interface Place {
  env: Env;
  /** `--workspace` of the line. */
  directory: string | undefined;
  /** The words before, of the same kind: the key of a value. */
  before: readonly string[];
  /** What is typed of it; others need not be found. */
  begins: string;
}

/** What the completion names; a list that the command wrote down is itself. Files are for the shell to find. */
export function dynamicWords(completes: Completion, place: Place): readonly string[] {
  if (typeof completes !== "string") return completes;
  const home = findHome(place.env);
  const record = readStack(home);
  const workspace = (): Workspace => findStackWorkspace({ home, record, directory: place.directory }).workspace;
  const handles = (): string[] => listHandles(workspace());
  if (completes === "handle") return handles();
  if (completes === "capability") return BUILT_IN_CAPABILITIES;
  if (completes === "selection") return [...handles(), ...BUILT_IN_CAPABILITIES];
  // with nothing up, what could be is better than nothing
  if (completes === "running") return record === undefined || record.services.length === 0 ? handles() : record.services;
  if (completes === "key") return keysThatBegin(place.begins, workspace());
  if (completes === "set-key") return setKeys(configFile(home), handles());
  if (completes === "key-value") return valuesOf(place.before.at(-1) ?? "", workspace());
  if (completes === "tag") return tagsOf(workspace());
  return [];
}

/** In the spelling that is being typed. */
function keysThatBegin(begins: string, workspace: Workspace): string[] {
  const isVariable = begins.startsWith("HARBOR_");
  return [...listKeys({ workspace, begins }).values()].map(({ name, key }) => (isVariable ? name : key));
}

function setKeys(file: string, handles: readonly string[]): string[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return []; // nothing is set
  }
  return [...parseEnv(text, { file }).keys()].map((name) => keyOf(name, handles));
}

/** Of a key that Harbor itself reads, or one that is either true or false. */
function valuesOf(typed: string, workspace: Workspace): readonly string[] {
  const { name, known } = findKey(typed, listKeys({ workspace, begins: typed }));
  if (name === runtimeVariable() || listHandles(workspace).some((handle) => runtimeVariable(handle) === name)) return RUNTIMES;
  return known?.default === "true" || known?.default === "false" ? ["true", "false"] : [];
}

function tagsOf(workspace: Workspace): string[] {
  const tags = listHandles(workspace).flatMap((handle) => {
    try {
      return describeService(handle, workspace).tags;
    } catch (error) {
      if (error instanceof HarborError) return []; // one folder that cannot be read
      throw error;
    }
  });
  return [...new Set(tags)].sort();
}
