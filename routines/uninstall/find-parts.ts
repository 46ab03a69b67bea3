/** All that Harbor has put onto this machine for one `HARBOR_HOME`, part by part: what it is, and how it goes. */
import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { HarborError } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";
import { withLock } from "../_script/lock.ts";
import { disableAutostart } from "../autostart/disable-autostart.ts";
import { readAutostart } from "../autostart/read-autostart.ts";
import { OWN_FILES } from "../config/own-files.ts";
import { keychainFile, keychainNames } from "../config/read-secrets.ts";
import { type Env, readValues } from "../config/read-values.ts";
import { removeKeychain } from "../config/write-secrets.ts";
import { historyPath } from "../history/history-file.ts";
import { measurePath } from "../host/measure-folder.ts";
import { findProvider, uninstallProvider } from "../provider/uninstall-provider.ts";
import { findState as findLeftovers } from "../prune/find-files.ts";
import { currentStack } from "../stack/current-stack.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import { observeStack } from "../stack/observe-stack.ts";
import type { Progress } from "../stack/progress.ts";
import { stateOf } from "../stack/read-stack.ts";
import { stopStack } from "../stack/stop-stack.ts";
import { removeEmptyState } from "../stack/write-stack.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";

export interface Part {
  /** What a person knows it by: a path, a name. */
  name: string;
  /** What it is, or why it stays. */
  what: string;
  bytes: number | null;
  remove: (progress: Progress) => Promise<void> | void;
}

export interface Parts {
  /** Can be had again by installing it again. */
  own: Part[];
  /** The user's: configuration, folders of services, what services store. */
  data: Part[];
  /** In the same folder and none of Harbor's, or not for us to remove. */
  others: Part[];
}

/** Changes nothing. Throws for a home that holds more than Harbor's own. */
export async function findParts(env: Env): Promise<Parts> {
  const { home } = currentStack(env);
  refuseShared(home, env);
  const own = [...(await findRunning(env)), ...(await findEntries(env)), ...findUnfinished(env), ...findState(home)];
  const others = [...findOthers(home, new Set(own.map(({ name }) => name))), ...findSharedData(env)];
  return { own, data: findData(env), others };
}

/** `data` or `services` in there may be anybody's. */
function refuseShared(home: string, env: Env): void {
  if (!isShared(home, env)) return;
  throw new HarborError(`Cannot uninstall: HARBOR_HOME is "${home}", which holds more than Harbor`, {
    hint: "`harbor down`, `harbor autostart disable` and `harbor provider uninstall` take back the rest; remove its files yourself",
  });
}

/** Folders in it may be anybody's, whatever they are called. */
function isShared(folder: string, env: Env): boolean {
  return folder === "/" || folder === homeDirectory(env);
}

/** Also what an engine has of it that does not answer right now: then it is said that it does not. */
async function findRunning(env: Env): Promise<Part[]> {
  const stack = currentStack(env);
  const { services } = await observeStack({ ...stack, env, needsEngine: stack.record?.hasContainers ?? false });
  if (services.length === 0 && stack.record === undefined) return [];
  const handles = [...new Set([...services.map(({ handle }) => handle), ...(stack.record?.services ?? [])])].sort();
  const stop = async (progress: Progress): Promise<void> => {
    await stopStack({ ...currentStack(env), env, handles: [], progress });
  };
  return [
    { name: handles.join(", ") || stack.project, what: "services that are up: processes, containers, networks", bytes: null, remove: stop },
  ];
}

async function findEntries(env: Env): Promise<Part[]> {
  const { home } = currentStack(env);
  const parts: Part[] = [];
  const autostart = await orSkip(() => readAutostart({ home, env }));
  if (autostart?.isEnabled) {
    const remove = async (): Promise<void> => void (await disableAutostart({ home, env }));
    parts.push({ name: autostart.file, what: "what starts services when you log in", bytes: null, remove });
  }
  const provider = await orSkip(() => findProvider(env));
  if (provider !== undefined) {
    parts.push({ name: provider, what: "what makes Harbor known to docker", bytes: null, remove: () => void uninstallProvider(env) });
  }
  return parts;
}

/** What stands there and is somebody else's is none of ours. */
async function orSkip<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof HarborError) return undefined;
    throw error;
  }
}

function findState(home: string): Part[] {
  const { directory, lock } = stateOf(home);
  // the lock in it is ours as long as we remove things, and goes when we give it back
  const removeState = (): void => {
    for (const name of namesIn(directory)) if (name !== basename(lock)) removePath(join(directory, name));
  };
  const state = { ...pathPart(directory, "what Harbor remembers of this machine and of what runs"), remove: removeState };
  return [state, pathPart(historyPath(home), "the history")].filter(({ name }) => existsSync(name));
}

/** Beside the files that killed commands were writing; they may hold secrets. Those in the state go with it. */
function findUnfinished(env: Env): Part[] {
  const { home, record } = currentStack(env);
  const inState = `${stateOf(home).directory}/`;
  const found = findLeftovers(home, findPlaces(env).data, record).filter(({ name }) => !name.startsWith(inState));
  return found.map(({ name, why, bytes, remove }) => ({ name, what: why, bytes, remove: () => remove() }));
}

function findPlaces(env: Env): { workspace: Workspace; data: string } {
  const { home, record } = currentStack(env);
  const { workspace } = findStackWorkspace({ home, record });
  return { workspace, data: resolve(readValues({ workspace, env }).get("HARBOR_DATA") ?? join(home, "data")) };
}

/** Of a data folder elsewhere only what services are called by: the rest of it is somebody else's. */
function findData(env: Env): Part[] {
  const { home } = currentStack(env);
  const { workspace, data } = findPlaces(env);
  const ofHome = Object.entries(OWN_FILES).map(([name, what]) => ({ path: join(home, name), what }));
  const handles = listHandles(workspace);
  const isOwn = data === join(home, "data");
  const names = isShared(data, env) ? [] : namesIn(data).filter((name) => isOwn || handles.includes(name));
  const ofData = names.map((name) => ({ path: join(data, name), what: `what ${name} stores` }));
  const isThere = ({ path }: { path: string }): boolean => existsSync(path) && path !== keychainFile(home);
  const paths = [...ofHome, ...ofData].filter(isThere).map(({ path, what }) => pathPart(path, what));
  return [...findSecrets(home), ...paths];
}

/** In the keychain, which is not asked before they are to go; their names stay as long as they do. */
function findSecrets(home: string): Part[] {
  const names = keychainNames(home);
  if (names === undefined) return [];
  const remove = async (): Promise<void> => {
    try {
      await removeKeychain(home);
    } catch (cause) {
      if (!(cause instanceof HarborError)) throw cause;
      const hint = "the same again where it can be had, or `harbor secrets store file --forget` first, takes it";
      throw new HarborError(`${cause.message}; ${hint}`, { cause });
    }
  };
  const what = `${names.length} ${names.length === 1 ? "secret" : "secrets"} in the system's keychain, and their names`;
  return [{ ...pathPart(keychainFile(home), what), remove }];
}

/** There `~/ollama` may be a checkout of somebody's. */
function findSharedData(env: Env): Part[] {
  const { data } = findPlaces(env);
  if (!isShared(data, env)) return [];
  const what = "data is kept in it, beside what is not Harbor's: what services stored there is yours to remove";
  return [{ name: data, what, bytes: null, remove: () => undefined }];
}

function findOthers(home: string, own: ReadonlySet<string>): Part[] {
  const known = [...Object.keys(OWN_FILES), "data", "state", basename(historyPath(home))];
  return namesIn(home)
    .filter((name) => !known.includes(name) && !isLock(name) && !own.has(join(home, name)))
    .map((name) => ({ ...pathPart(join(home, name), "Harbor does not know what it is"), remove: () => undefined }));
}

function pathPart(path: string, what: string): Part {
  return { name: path, what, bytes: measurePath(path), remove: () => removePath(path) };
}

function removePath(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isForbidden = code === "EACCES" || code === "EPERM";
    throw new HarborError(isForbidden ? `a container wrote some of it as another user; sudo rm -r ${path}` : message, { cause });
  }
}

export interface RemovePartsOptions {
  parts: readonly Part[];
  env: Env;
  progress: Progress;
}

export interface RemovedParts {
  removed: string[];
  failed: { name: string; why: string }[];
}

/**
 * In their order; what runs first. Where that cannot be stopped, nothing else is removed: it would be left without a record.
 * Nobody starts anything meanwhile, which would lose its record the same way.
 */
export async function removeParts(options: RemovePartsOptions): Promise<RemovedParts> {
  const { home } = currentStack(options.env);
  const work = (): Promise<RemovedParts> => removeAll(options);
  const done = await withLock(stateOf(home).lock, work, { purpose: "harbor uninstall" }).finally(() => removeEmptyState(home));
  for (const folder of [join(home, "data"), home]) removeIfEmpty(folder);
  return done;
}

async function removeAll({ parts, progress }: RemovePartsOptions): Promise<RemovedParts> {
  const done: RemovedParts = { removed: [], failed: [] };
  for (const { name, bytes, remove } of parts) {
    try {
      await remove(progress);
      done.removed.push(name);
    } catch (error) {
      if (!(error instanceof HarborError) || (bytes === null && done.removed.length === 0)) throw error;
      done.failed.push({ name, why: error.message });
    }
  }
  return done;
}

/** Of a file that stands beside it, or stood. */
function isLock(name: string): boolean {
  return /\.(?:env|jsonl?)\.lock$/.test(name);
}

function removeIfEmpty(folder: string): void {
  const names = namesIn(folder);
  if (names.every(isLock)) for (const name of names) rmSync(join(folder, name), { force: true });
  try {
    rmdirSync(folder);
  } catch {
    // what is the user's is still in it
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
