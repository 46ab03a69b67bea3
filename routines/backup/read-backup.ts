/**
 * An archive → its content in folders beside where that belongs, verified: each file against its checksum, all of them there,
 * and nothing outside. Nothing that is in use is touched.
 */
import { chmodSync, closeSync, existsSync, lchownSync, mkdirSync, openSync, rmSync, symlinkSync, utimesSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { WHOLE_FILES } from "../config/own-files.ts";
import { isProfileName } from "../config/profiles.ts";
import { isHandle } from "../workspace/list-handles.ts";
import type { TarEntry } from "./_tar-format.ts";
import { broken, type ReadEntry, readEntries } from "./_tar-reader.ts";
import { type BackupManifest, CONFIG, MANIFEST, parseManifest, parseSums, SECRETS, SUMS } from "./manifest.ts";

export interface ReadBackupOptions {
  file: string;
  /** What stands first: decides what is written out, and where to; undefined to verify alone. */
  staging: Staging | undefined;
  signal: AbortSignal;
}

export interface Staging {
  /** Folders that are not there yet: for `home/`, `profiles/`, `env/`, `services/`; and for `data/`, which may be another disk. */
  home: string;
  data: string;
  isWanted: (part: Part, name: string) => boolean;
}

export interface ReadBackup {
  manifest: BackupManifest;
  /** Text of its config.env; empty where it has none. */
  config: string;
  /** And of its secrets.env. */
  secrets: string;
  files: number;
  bytes: number;
}

export type BackupHead = Pick<ReadBackup, "manifest" | "config" | "secrets">;

/** What stands first in it: what there is, the configuration, and secrets. Nothing is verified yet. */
export async function readHead(file: string): Promise<BackupHead> {
  const texts = new Map<string, string>();
  for await (const { entry, body } of readEntries(file)) {
    if (!(texts.size === 0 ? [MANIFEST] : [CONFIG, SECRETS]).includes(entry.path)) break;
    texts.set(entry.path, await readText({ entry, body }, file));
  }
  const manifest = texts.get(MANIFEST);
  if (manifest === undefined) throw broken(file, "it is no backup of Harbor's");
  return { manifest: parseManifest(manifest, file), config: texts.get(CONFIG) ?? "", secrets: texts.get(SECRETS) ?? "" };
}

/** Throws for whatever is wrong with it; the staging folders are the caller's to remove. */
export async function readBackup(options: ReadBackupOptions): Promise<ReadBackup> {
  const reader = new BackupReader(options);
  try {
    for await (const read of readEntries(options.file)) {
      if (options.signal.aborted) throw new HarborError("Cannot finish reading the backup: interrupted", { exit: "interrupted" });
      await reader.take(read);
    }
    return reader.finish();
  } catch (cause) {
    if (cause instanceof HarborError) throw cause;
    // a full disk; two names that are one on this file system
    throw new HarborError(`Cannot restore: ${(cause as Error).message}`, { cause, hint: "Nothing was changed" });
  }
}

const PARTS = ["home", "profiles", "env", "services", "data"] as const;
type Part = (typeof PARTS)[number];

class BackupReader {
  private manifest: BackupManifest | undefined;
  private config = "";
  private secrets = "";
  private listed: Map<string, string> | undefined;
  private readonly found = new Map<string, string>();
  /** All that stood in it so far: files, folders and links. */
  private readonly seen = new Set<string>();
  /** Path → what is made of it once all else is written: nothing is ever written through one, whatever the file system takes for the same name. */
  private readonly links = new Map<string, { path: string | undefined; entry: TarEntry }>();
  /** Their modes and times are set once all is in them. */
  private readonly folders: { path: string; entry: TarEntry }[] = [];
  private bytes = 0;

  constructor(private readonly options: ReadBackupOptions) {}

  async take({ entry, body }: ReadEntry): Promise<void> {
    const { file } = this.options;
    if (this.listed !== undefined) throw broken(file, "something stands behind its list of checksums");
    if (this.seen.has(entry.path)) throw broken(file, `"${entry.path}" is in it twice`);
    this.seen.add(entry.path);
    if (entry.path === SUMS) this.listed = parseSums(await readText({ entry, body }, file));
    else if (entry.path === MANIFEST) this.manifest = parseManifest(await this.text(entry, body), file);
    else if (entry.path === CONFIG) this.config = await this.text(entry, body);
    else if (entry.path === SECRETS) this.secrets = await this.text(entry, body);
    else await this.place(entry, body);
  }

  finish(): ReadBackup {
    const { file } = this.options;
    const { manifest, config, secrets, listed, found, bytes } = this;
    if (listed === undefined || manifest === undefined) throw broken(file, "it ends in the middle");
    for (const [path, digest] of found)
      if (listed.get(path) !== digest) throw broken(file, `"${path}" is not what it was when it was saved`);
    for (const path of listed.keys()) if (!found.has(path)) throw broken(file, `"${path}" is missing`);
    for (const { path, entry } of this.links.values()) if (path !== undefined) placeLink(path, entry);
    for (const { path, entry } of this.folders.toReversed()) setAttributes(path, entry);
    return { manifest, config, secrets, files: found.size, bytes };
  }

  private async text(entry: TarEntry, body: AsyncGenerator<Uint8Array>): Promise<string> {
    const text = await readText({ entry, body }, this.options.file);
    this.found.set(entry.path, new Bun.CryptoHasher("sha256").update(text).digest("hex"));
    return text;
  }

  private async place(entry: TarEntry, body: AsyncGenerator<Uint8Array>): Promise<void> {
    const target = this.targetOf(entry.path);
    // what leads somewhere else in place of a whole folder, or of a file that Harbor writes to, no backup has
    if (entry.type === "link" && entry.path.split("/").length === 2) throw broken(this.options.file, `"${entry.path}" is a link`);
    if (target !== undefined) mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    if (entry.type === "file") return this.placeFile(entry, body, target);
    if (entry.type === "link") this.links.set(entry.path, { path: target, entry });
    if (target === undefined || entry.type === "link") return;
    mkdirSync(target, { recursive: true, mode: 0o700 });
    this.folders.push({ path: target, entry });
  }

  private async placeFile(entry: TarEntry, body: AsyncGenerator<Uint8Array>, target: string | undefined): Promise<void> {
    const hasher = new Bun.CryptoHasher("sha256");
    const fd = target === undefined ? undefined : openSync(target, "wx", 0o600);
    try {
      for await (const chunk of body) {
        hasher.update(chunk);
        if (fd !== undefined) for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
      }
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    if (target !== undefined) setAttributes(target, entry);
    this.found.set(entry.path, hasher.digest("hex"));
    this.bytes += entry.size;
  }

  /** Where it is written to; undefined for what nobody wants. Throws for a path that leads anywhere else. */
  private targetOf(path: string): string | undefined {
    const { file, staging } = this.options;
    const [part, name = "", ...rest] = path.split("/");
    const isPlain = [name, ...rest].every((word) => word !== "" && word !== "." && word !== "..");
    const handle = isPart(part) ? nameIn(part, name, rest.length > 0) : undefined;
    const isListed = isPart(part) && handle !== undefined && (this.manifest?.[part].includes(handle) ?? false);
    if (!isPlain || !isListed || /\0/.test(path)) throw broken(file, `"${path}" has no place in a backup`);
    const above = path.split("/").slice(0, -1);
    if (above.some((_, index) => this.links.has(above.slice(0, index + 1).join("/")))) throw broken(file, `"${path}" lies behind a link`);
    if (staging === undefined || !staging.isWanted(part, handle)) return undefined;
    return part === "data" ? join(staging.data, name, ...rest) : join(staging.home, path);
  }
}

/** What the manifest calls it; undefined for what cannot be in that part. */
function nameIn(part: Part, name: string, isBelow: boolean): string | undefined {
  if (part === "home") return !isBelow && WHOLE_FILES.includes(name) ? name : undefined;
  if (part === "services" || part === "data") return isHandle(name) ? name : undefined;
  const [, variables] = /^(.+)\.env$/.exec(name) ?? [];
  const isKnown = part === "env" ? isHandle : isProfileName;
  return !isBelow && variables !== undefined && isKnown(variables) ? variables : undefined;
}

function isPart(word: string | undefined): word is Part {
  return (PARTS as readonly (string | undefined)[]).includes(word);
}

/** Who owns it only root may say. */
function setOwner(path: string, { uid, gid }: TarEntry): void {
  if (process.getuid?.() === 0) lchownSync(path, uid, gid);
}

function setAttributes(path: string, entry: TarEntry): void {
  setOwner(path, entry);
  chmodSync(path, entry.mode & 0o1777);
  utimesSync(path, entry.mtime, entry.mtime);
}

function placeLink(path: string, entry: TarEntry): void {
  symlinkSync(entry.target, path);
  setOwner(path, entry);
}

/** Of a million files the list of checksums has 100 MB; what says that it has more would only fill the memory. */
const LONGEST_TEXT = 256 * 1024 * 1024;

async function readText({ entry, body }: ReadEntry, file: string): Promise<string> {
  if (entry.size > LONGEST_TEXT) throw broken(file, `"${entry.path}" is larger than any that Harbor writes`);
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

/** With all that was written into them. */
export function removeStaging({ home, data }: Pick<Staging, "home" | "data">): void {
  for (const folder of [home, data]) if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
}
