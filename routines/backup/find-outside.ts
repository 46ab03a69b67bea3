/** What services store where no backup looks: volumes of the engine's own, folders elsewhere that are mounted to be written to. */
import { readFileSync } from "node:fs";
import { parseYamlDocuments } from "../_script/yaml.ts";
import { interpolate } from "../compose/interpolate.ts";
import type { Values } from "../config/read-values.ts";
import { splitMounts, volumesVariable } from "../config/service-volumes.ts";

export interface FindOutsideOptions {
  handle: string;
  /** Its definitions and its other compose files. */
  files: readonly string[];
  values: Values;
  /** What lies below these is in it. */
  saved: readonly string[];
}

/** A sentence for each. What cannot be read has none: `harbor up` says what is wrong with it. */
export function findOutside({ handle, files, values, saved }: FindOutsideOptions): string[] {
  const documents = files.flatMap(readDocuments);
  const volumes = documents.flatMap((it) => Object.keys(it.volumes ?? {}));
  const services = documents.flatMap((it) => Object.entries(it.services ?? {}));
  const names = new Set([handle, ...services.map(([name]) => name)]);
  const mounts = [
    ...services.flatMap(([, service]) => (Array.isArray(service?.volumes) ? (service.volumes as unknown[]) : [])),
    ...[...names].flatMap((name) => splitMounts(values.get(volumesVariable(name)) ?? "")),
  ];
  const folders = mounts.flatMap((it) => sourceOf(it, values)).filter((path) => !saved.some((folder) => isBelow(path, folder)));
  return [
    ...new Set(volumes.map((name) => `"${handle}" keeps something in the engine's volume "${name}", which is not in it`)),
    ...new Set(folders.map((path) => `"${handle}" may write to ${path}, which is not in it`)),
  ];
}

interface Document {
  services?: Record<string, { volumes?: unknown } | null> | null;
  volumes?: object | null;
}

function readDocuments(path: string): Document[] {
  try {
    return parseYamlDocuments(readFileSync(path, "utf8"), path).flatMap(({ value }) => (isObject(value) ? [value as Document] : []));
  } catch {
    return [];
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/** Of the system, and nobody's data. */
const SYSTEM = /^\/(?:dev|etc|proc|run|sys|tmp|usr|var\/run)(?:\/|$)/;

/** A folder that is mounted to be written to, in either spelling. A relative one stands in the service's own folder. */
function sourceOf(mount: unknown, { get }: Values): string[] {
  const { source, readOnly } = isObject(mount)
    ? readLong(mount as Record<string, unknown>, get)
    : readShort(interpolate(String(mount), get));
  const path = source.replace(/^~(?=\/)/, get("HOME") ?? "~");
  return path.startsWith("/") && !readOnly && !SYSTEM.test(path) ? [path] : [];
}

function readLong({ source, read_only: readOnly }: Record<string, unknown>, get: Values["get"]): { source: string; readOnly: boolean } {
  return { source: interpolate(String(source ?? ""), get), readOnly: readOnly === true };
}

function readShort(text: string): { source: string; readOnly: boolean } {
  const [source = "", , options = ""] = text.split(":");
  return { source, readOnly: options.split(",").includes("ro") };
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
