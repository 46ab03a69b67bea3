/**
 * Words that there are at the moment: services, keys, capabilities. Read from files alone, so that a shell need not wait; what only a
 * service that runs can tell is left out where it does not do so at once.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AskedWords, Completion } from "../_script/command.ts";
import { HarborError } from "../_script/error.ts";
import { programRoot } from "../_script/program-root.ts";
import { readAliases } from "../config/aliases.ts";
import { connectedHandles } from "../config/connected-handles.ts";
import { findHome } from "../config/find-home.ts";
import { findKey } from "../config/find-key.ts";
import { isSecretKey, type Key, listKeys } from "../config/list-keys.ts";
import { keyOf } from "../config/name-variable.ts";
import { parseEnv } from "../config/parse-env.ts";
import { listProfiles } from "../config/profiles.ts";
import type { Env } from "../config/read-values.ts";
import { readServiceVariables } from "../config/service-variables.ts";
import { configFile } from "../config/write-values.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { APIS } from "../launch/tool.ts";
import { nameModels, nameStores } from "../models/name-models.ts";
import { listReach, type Way } from "../reach/read-reach.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import { readStack, type StackRecord } from "../stack/read-stack.ts";
import { describeService, type ServiceDescription } from "../workspace/describe-service.ts";
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

/** Looked up where a kind of words needs it. */
interface Found extends Place {
  home: string;
  record: StackRecord | undefined;
  workspace(): Workspace;
}

type Kind = Exclude<Completion, readonly string[] | AskedWords | "file" | "directory">;

const WORDS: Readonly<Record<Kind, (at: Found) => readonly string[]>> = {
  handle: ({ workspace }) => listHandles(workspace()),
  // with nothing up, what could be is better than nothing
  running: ({ record, workspace }) => (record === undefined || record.services.length === 0 ? listHandles(workspace()) : record.services),
  default: ({ home }) => (readConfig(home).get("HARBOR_SERVICES_DEFAULT") ?? "").split(/[;,\s]+/).filter(Boolean),
  selection: ({ workspace }) => [...listHandles(workspace()), ...BUILT_IN_CAPABILITIES],
  capability: () => BUILT_IN_CAPABILITIES,
  tag: ({ workspace }) => metadataWords(workspace(), ({ tags }) => tags),
  backend: ({ workspace }) =>
    metadataWords(workspace(), ({ handle, provides }) => (APIS.some((api) => provides.includes(api)) ? [handle] : [])),
  api: ({ workspace }) => metadataWords(workspace(), ({ provides }) => provides),
  key: ({ begins, workspace }) => keysThatBegin(begins, workspace()),
  "set-key": ({ home, workspace }) => setKeys(home, listHandles(workspace())),
  "key-value": ({ before, workspace }) => valuesOf(before.at(-1) ?? "", workspace()),
  variable: ({ home, before }) => [...(readServiceVariables(home, before[0] ?? "")?.values.keys() ?? [])],
  alias: ({ home }) => [...readAliases(home).keys()],
  program: ({ home, workspace }) => [...readAliases(home).keys(), ...listHandles(workspace())],
  profile: ({ workspace }) => listProfiles(workspace()).map(({ name }) => name),
  secret: ({ begins, workspace }) => secretsThatBegin(begins, workspace()),
  model: ({ workspace, env }) => nameModels({ workspace: workspace(), env }),
  store: ({ workspace, env }) => nameStores({ workspace: workspace(), env }),
  connected: ({ workspace, env }) => connectedHandles(workspace(), env),
  exposed: ({ home }) => reached(home, "expose"),
  tunnelled: ({ home }) => reached(home, "tunnel"),
};

/** What the completion names; a list that the command wrote down is itself. Files are for the shell to find. */
export function dynamicWords(completes: Completion, place: Place): readonly string[] {
  if (typeof completes !== "string") return "program" in completes ? askProgram(completes, place) : completes;
  if (completes === "file" || completes === "directory") return [];
  const home = findHome(place.env);
  const record = readStack(home);
  const workspace = (): Workspace => findStackWorkspace({ home, record, directory: place.directory }).workspace;
  return WORDS[completes]({ ...place, home, record, workspace });
}

/** For a program to answer: longer, and who types would notice. */
const PATIENCE_MS = 500;

function askProgram({ program, words }: AskedWords, { env, begins }: Place): string[] {
  const { exitCode, stdout } = Bun.spawnSync([process.execPath, "--no-install", join(programRoot(), program), ...words, begins], {
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
  });
  return exitCode === 0 ? stdout.toString().split("\n").filter(Boolean) : [];
}

/** In the spelling that is being typed. */
function keysThatBegin(begins: string, workspace: Workspace): string[] {
  return spelled(begins, [...listKeys({ workspace, begins }).values()]);
}

function secretsThatBegin(begins: string, workspace: Workspace): string[] {
  const keys = listKeys({ workspace, begins });
  return spelled(
    begins,
    [...keys.values()].filter(({ name }) => isSecretKey(name, keys)),
  );
}

function spelled(begins: string, keys: readonly Key[]): string[] {
  const isVariable = begins.startsWith("HARBOR_");
  return keys.map(({ name, key }) => (isVariable ? name : key));
}

function reached(home: string, way: Way): string[] {
  return listReach(home).flatMap((record) => (record.way === way ? [record.handle] : []));
}

function setKeys(home: string, handles: readonly string[]): string[] {
  return [...readConfig(home).keys()].map((name) => keyOf(name, handles));
}

/** Nothing where nothing is set. */
function readConfig(home: string): ReadonlyMap<string, string> {
  const file = configFile(home);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return new Map();
  }
  return parseEnv(text, { file });
}

/** As its folder declares them, or Harbor itself; of one that is either true or false, these. */
function valuesOf(typed: string, workspace: Workspace): readonly string[] {
  const { known } = findKey(typed, listKeys({ workspace, begins: typed }));
  const { choices, type } = known?.declared ?? {};
  if (choices !== undefined) return choices;
  return type === "boolean" || known?.default === "true" || known?.default === "false" ? ["true", "false"] : [];
}

/** What any of the services says of itself; one folder that cannot be read says nothing. */
function metadataWords(workspace: Workspace, read: (service: ServiceDescription) => readonly string[]): string[] {
  const words = listHandles(workspace).flatMap((handle) => {
    try {
      return read(describeService(handle, workspace));
    } catch (error) {
      if (error instanceof HarborError) return [];
      throw error;
    }
  });
  return [...new Set(words)].sort();
}
