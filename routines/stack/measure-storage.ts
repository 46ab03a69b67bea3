/**
 * What each service takes of the disk, running or not: images, what containers have written, volumes, its data folder with
 * models and environments told apart, logs.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { projectName } from "../compose/project-name.ts";
import { PROXY_IMAGE } from "../compose/write-proxy.ts";
import { type Env, readValues, type Values } from "../config/read-values.ts";
import { normalizeReference, repositoryOf, shortReference } from "../engine/list-images.ts";
import { type EngineDisk, measureDisk } from "../engine/measure-disk.ts";
import { measureFolder } from "../host/measure-folder.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { isHandle, listHandles } from "../workspace/list-handles.ts";
import { listServiceImages } from "./list-service-images.ts";
import { type StackRecord, stateOf } from "./read-stack.ts";

/** Bytes, as the disk gives them out; null where only the engine could tell, and it does not answer. */
export interface Storage {
  /** In layers that no other image has. */
  images: number | null;
  /** What its containers have written outside of volumes. */
  containers: number | null;
  volumes: number | null;
  models: number;
  environments: number;
  data: number;
  logs: number;
  /** Of all of these. */
  total: number;
}

export interface ServiceStorage extends Storage {
  handle: string;
  /** No service of the workspace: what one has left that is gone. */
  isGone: boolean;
  /** In layers that other images have, too. */
  shared: number | null;
  imageList: { image: string; bytes: number; shared: number; isCurrent: boolean }[];
  folders: { path: string; use: "data" | "environments" | "logs"; bytes: number }[];
}

export interface MeasuredStorage {
  services: ServiceStorage[];
  /** Each image, and each shared layer, once. */
  total: Storage & { shared: number | null };
  /** Folders that may not be read. */
  unreadable: string[];
  engineError: HarborError | undefined;
}

export interface MeasureStorageOptions {
  workspace: Workspace;
  record: StackRecord | undefined;
  env: Env;
  /** All when empty. */
  handles: readonly string[];
  signal?: AbortSignal | undefined;
}

/** Of the proxies before native services, which are no service's own. */
export const PROXIES = "(proxies)";

/** The largest first; those that take nothing only where they are named. */
export async function measureStorage(options: MeasureStorageOptions): Promise<MeasuredStorage> {
  const { workspace, env, handles } = options;
  const values = readValues({ workspace, env });
  const known = listHandles(workspace);
  const { disk, engineError } = await askEngine(options);
  const wanted = handles.length > 0 ? handles : [...new Set([...known, ...listData(values)])];
  const project = options.record?.project ?? projectName(values, workspace.home);
  const unreadable: string[] = [];
  const services: ServiceStorage[] = [];
  for (const handle of wanted) {
    const folders = measureFolders(handle, workspace.home, values, unreadable);
    const images = disk === undefined || !known.includes(handle) ? [] : await listServiceImages({ handle, workspace, env });
    services.push({ handle, isGone: !known.includes(handle), ...sum(folders, ofEngine({ handle, images, project, disk })) });
  }
  if (handles.length === 0 && disk !== undefined) services.push(proxiesOf(values, disk, project));
  const shown = services.filter((it) => handles.length > 0 || it.total + (it.shared ?? 0) > 0).sort((a, b) => b.total - a.total);
  return { services: shown, total: totalOf(shown, disk), unreadable, engineError };
}

async function askEngine({
  workspace,
  env,
  signal,
}: MeasureStorageOptions): Promise<{ disk?: EngineDisk; engineError: HarborError | undefined }> {
  try {
    return { disk: await measureDisk({ env, home: workspace.home, signal }), engineError: undefined };
  } catch (error) {
    if (!(error instanceof HarborError) || error.exit === "interrupted") throw error;
    return { engineError: error };
  }
}

/** Folders of data, also of services that are gone. */
function listData(values: Values): string[] {
  try {
    const entries = readdirSync(values.get("HARBOR_DATA") ?? "", { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && isHandle(entry.name)).map((entry) => entry.name);
  } catch {
    return []; // nothing was stored yet
  }
}

type Folders = Pick<ServiceStorage, "models" | "environments" | "data" | "logs" | "folders">;

function measureFolders(handle: string, home: string, values: Values, unreadable: string[]): Folders {
  const state = stateOf(home).directory;
  const found: Folders = { models: 0, environments: 0, data: 0, logs: 0, folders: [] };
  const places = [
    { path: join(values.get("HARBOR_DATA") ?? "", handle), use: "data" },
    { path: join(state, "python", handle), use: "environments" },
    { path: join(state, "native", handle), use: "logs" },
  ] as const;
  for (const { path, use } of places) {
    const usage = measureFolder(path, use === "environments" ? "environments" : "data");
    unreadable.push(...usage.unreadable);
    const bytes = usage.models + usage.environments + usage.data;
    if (bytes > 0) found.folders.push({ path, use, bytes });
    if (use === "logs") found.logs += bytes;
    else for (const kind of ["models", "environments", "data"] as const) found[kind] += usage[kind];
  }
  return found;
}

type OfEngine = Pick<ServiceStorage, "images" | "shared" | "containers" | "volumes" | "imageList">;

interface OfEngineOptions {
  handle: string;
  images: readonly string[];
  project: string;
  disk: EngineDisk | undefined;
}

/** Other tags of its repositories are its own as well: what earlier versions have left. */
function ofEngine({ handle, images, project, disk }: OfEngineOptions): OfEngine {
  if (disk === undefined) return { images: null, shared: null, containers: null, volumes: null, imageList: [] };
  const current = new Set(images.map(normalizeReference));
  const repositories = new Set(images.map(repositoryOf));
  const own = disk.images.filter(({ tags }) => tags.some((tag) => repositories.has(repositoryOf(tag))));
  const containers = disk.containers.filter((it) => it.project === project && it.handle === handle);
  const names = new Set(containers.flatMap((it) => it.volumes));
  return {
    images: total(own.map((it) => it.ownBytes)),
    shared: total(own.map((it) => it.sharedBytes)),
    containers: total(containers.map((it) => it.bytes)),
    volumes: total(disk.volumes.filter(({ name }) => names.has(name)).map((it) => it.bytes)),
    imageList: own.map((it) => ({
      image: it.tags.map(shortReference).join(" "),
      bytes: it.ownBytes,
      shared: it.sharedBytes,
      isCurrent: it.tags.some((tag) => current.has(tag)),
    })),
  };
}

function proxiesOf(values: Values, disk: EngineDisk, project: string): ServiceStorage {
  const image = `${values.get("HARBOR_PROXY_IMAGE") || PROXY_IMAGE.name}:${values.get("HARBOR_PROXY_VERSION") || PROXY_IMAGE.version}`;
  const none: Folders = { models: 0, environments: 0, data: 0, logs: 0, folders: [] };
  return { handle: PROXIES, isGone: false, ...sum(none, ofEngine({ handle: PROXIES, images: [image], project, disk })) };
}

function sum(folders: Folders, ofIt: OfEngine): Folders & OfEngine & { total: number } {
  const { models, environments, data, logs } = folders;
  const { images, containers, volumes } = ofIt;
  return { ...folders, ...ofIt, total: total([images ?? 0, containers ?? 0, volumes ?? 0, models, environments, data, logs]) };
}

/** An image, or a volume, that several services have is one; so is a layer that several images have. */
function totalOf(services: readonly ServiceStorage[], disk: EngineDisk | undefined): MeasuredStorage["total"] {
  const add = (key: "containers" | "volumes" | "models" | "environments" | "data" | "logs"): number =>
    total(services.map((it) => it[key] ?? 0));
  const images = new Map(services.flatMap(({ imageList }) => imageList.map((it) => [it.image, it] as const)));
  const own = disk === undefined ? null : total([...images.values()].map((it) => it.bytes));
  // of what all images share, no more can be ours than ours have
  const shared = disk === undefined ? null : Math.min(disk.sharedBytes, total([...images.values()].map((it) => it.shared)));
  const rest = { models: add("models"), environments: add("environments"), data: add("data"), logs: add("logs") };
  const containers = disk === undefined ? null : add("containers");
  const volumes = disk === undefined ? null : add("volumes");
  const all = total([own ?? 0, shared ?? 0, containers ?? 0, volumes ?? 0, ...Object.values(rest)]);
  return { images: own, containers, volumes, ...rest, total: all, shared };
}

function total(bytes: readonly number[]): number {
  return bytes.reduce((all, one) => all + one, 0);
}
