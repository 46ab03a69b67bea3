/**
 * What compose files say about paths on the host: every place where a relative one may stand, rewritten so that it
 * means the same seen from another folder. `${…}` stays wherever the rewritten text still means the same with it.
 */
import { isAbsolute, join } from "node:path";
import { type ComposeMap, isMap } from "./_merge-tree.ts";
import { isHostPath, parseVolume } from "./_parse-volume.ts";
import { escapeDollars, findExpression, interpolate, type Values } from "./interpolate.ts";

export interface Rebase {
  /** The folder that relative paths mean now. */
  from: string;
  values: Values;
  /** True where an earlier file has a `build` for this service: then ours does not decide the context. */
  hasBuild?: (service: string) => boolean;
}

/** Rewrites every relative path of a document, in place. `from` may itself be relative to where the result is read. */
export function rebasePaths(document: ComposeMap, rebase: Rebase): void {
  for (const [name, service] of entriesOf(document.services)) if (isMap(service)) rebaseService(name, service, rebase);
  for (const section of [document.configs, document.secrets]) {
    for (const [, resource] of entriesOf(section)) change(resource, "file", (path) => movePath(path, rebase));
  }
  for (const [, volume] of entriesOf(document.volumes)) if (isMap(volume)) rebaseVolumeOptions(volume, rebase);
}

function rebaseService(name: string, service: ComposeMap, rebase: Rebase): void {
  const path = (text: string): string => (text === "" ? text : movePath(text, rebase));
  change(service, "build", (text) => moveContext(text, rebase));
  if (isMap(service.build)) rebaseBuild(service.build, rebase, rebase.hasBuild?.(name) ?? false);
  changeItems(service, "env_file", path);
  for (const file of listOf(service.env_file)) change(file, "path", path);
  changeItems(service, "label_file", path);
  change(service.extends, "file", path);
  if (isMap(service.develop)) for (const watch of listOf(service.develop.watch)) change(watch, "path", path);
  changeItems(service, "volumes", (text) => moveVolume(text, rebase));
  for (const volume of listOf(service.volumes)) {
    if (isMap(volume) && typeof volume.type === "string" && interpolate(volume.type, rebase.values) === "bind") {
      change(volume, "source", (text) => movePath(text, rebase));
    }
  }
}

function rebaseBuild(build: ComposeMap, rebase: Rebase, hasBuild: boolean): void {
  if (!Object.hasOwn(build, "context") && !hasBuild) build.context = ".";
  change(build, "context", (text) => moveContext(text, rebase));
  for (const key of ["additional_contexts", "ssh"]) {
    const move = key === "ssh" ? movePath : moveContext;
    const named = build[key];
    if (isMap(named)) for (const name of Object.keys(named)) change(named, name, (text) => move(text, rebase));
    else changeItems(build, key, (text) => movePair(text, (path) => move(path, rebase)));
  }
}

/** A named volume that is a bind mount in disguise. */
function rebaseVolumeOptions(volume: ComposeMap, rebase: Rebase): void {
  const text = (value: unknown): string => (typeof value === "string" ? interpolate(value, rebase.values) : "");
  const options = volume.driver_opts;
  if (!isMap(options) || text(volume.driver) !== "local" || text(options.o) !== "bind") return;
  change(options, "device", (path) => movePath(path, rebase));
}

function entriesOf(section: unknown): [string, unknown][] {
  return isMap(section) ? Object.entries(section) : [];
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function change(owner: unknown, key: string, move: (text: string) => string): void {
  if (!isMap(owner)) return;
  const value = owner[key];
  if (typeof value === "string") owner[key] = move(value);
}

/** A text, or the texts in a list. */
function changeItems(owner: ComposeMap, key: string, move: (text: string) => string): void {
  const value = owner[key];
  if (Array.isArray(value)) owner[key] = value.map((item) => (typeof item === "string" ? move(item) : item));
  else if (typeof value === "string") owner[key] = move(value);
}

function movePair(text: string, move: (path: string) => string): string {
  const equals = text.indexOf("=");
  return equals === -1 ? text : `${text.slice(0, equals + 1)}${move(text.slice(equals + 1))}`;
}

const REMOTE = /^(?:https?:\/\/|git:\/\/|ssh:\/\/|github\.com\/|git@|service:)/;

/** A build context may be a URL or another service. */
function moveContext(text: string, rebase: Rebase): string {
  const shown = interpolate(text, rebase.values);
  return shown === "" || shown.includes("://") || REMOTE.test(shown) ? text : movePath(text, rebase);
}

/** The source of `source:target`, where it is a path. */
function moveVolume(text: string, rebase: Rebase): string {
  const parsed = parseVolume(interpolate(text, rebase.values));
  if (parsed === undefined || !isHostPath(parsed.source) || isFixed(parsed.source)) return text;
  const end = endOfSource(text);
  const source = text.slice(0, end);
  if (interpolate(source, rebase.values) === parsed.source) return asPath(movePath(source, rebase), rebase) + text.slice(end);
  const parts = [asPath(moveLiteral(parsed.source, rebase), rebase), escapeDollars(parsed.target), escapeDollars(parsed.options)];
  return parts.filter((part) => part !== "").join(":");
}

/** Where the first colon outside `${…}` stands. */
function endOfSource(text: string): number {
  let from = 0;
  for (let found = findExpression(text, 0); found !== undefined; found = findExpression(text, from)) {
    const colon = text.slice(from, found.start).indexOf(":");
    if (colon !== -1) return from + colon;
    from = found.end;
  }
  const colon = text.indexOf(":", from);
  return colon === -1 ? text.length : colon;
}

/** `data` alone would be a volume's name. */
function asPath(text: string, rebase: Rebase): string {
  return isHostPath(interpolate(text, rebase.values)) ? text : `./${text}`;
}

/** Absolute here or on Windows, or in the home folder: means the same everywhere. */
function isFixed(path: string): boolean {
  return isAbsolute(path) || path.startsWith("~") || /^[A-Za-z]:[\\/]/.test(path) || /^[\\/]{2}[^\\/.]/.test(path);
}

function moveLiteral(path: string, rebase: Rebase): string {
  return escapeDollars(withoutSlash(join(rebase.from, path)));
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** A path as it has to be written elsewhere; tried with its `${…}` kept, and taken only if that means the same. */
function movePath(text: string, rebase: Rebase): string {
  const shown = interpolate(text, rebase.values);
  if (isFixed(shown)) return text;
  const moved = moveLiteral(shown, rebase);
  if (!text.includes("$")) return moved;
  const kept = moveTemplate(text, rebase);
  return interpolate(kept, rebase.values) === interpolate(moved, rebase.values) ? kept : moved;
}

function moveTemplate(text: string, rebase: Rebase): string {
  const first = findExpression(text, 0);
  if (first === undefined) return moveLiteral(text, rebase);
  if (first.start > 0) {
    const slash = text.lastIndexOf("/", first.start - 1);
    const head = slash === -1 ? "." : text.slice(0, slash);
    return `${moveLiteral(head, rebase)}/${text.slice(slash + 1)}`;
  }
  if (first.operator === ":-" || first.operator === "-") {
    const wordStart = first.end - 1 - first.word.length;
    return text.slice(0, wordStart) + movePath(first.word, rebase) + text.slice(first.end - 1);
  }
  return `${escapeDollars(rebase.from)}/${text}`;
}
