/**
 * What was collected → one archive, whole or not at all: it is written to a temporary name, and takes its own once all is on
 * the disk. Mode 0600, since configuration and data hold secrets.
 */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
} from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { HarborError } from "../_script/error.ts";
import { programVersion } from "../_script/program-version.ts";
import { profileFile } from "../config/profiles.ts";
import { archiveEnd, encodeHeader, padding, type TarEntry } from "./_tar-format.ts";
import type { Collected } from "./collect-backup.ts";
import { type BackupManifest, CONFIG, formatSum, MANIFEST, SECRETS, SUMS } from "./manifest.ts";

export interface WriteBackupOptions {
  collected: Collected;
  home: string;
  /** Compressed unless its name ends with `.tar`. */
  file: string;
  signal: AbortSignal;
}

export interface WrittenBackup {
  file: string;
  /** Of the archive. */
  bytes: number;
  manifest: BackupManifest;
  /** How many files are in it, and how large they are. */
  files: number;
  contentBytes: number;
  /** Paths in it that would have been: sockets and the like, environments that can be made anew. */
  leftOut: string[];
}

/** Throws where the file is there already, something cannot be read, or changes meanwhile; `interrupted`. Nothing is left of it then. */
export async function writeBackup(options: WriteBackupOptions): Promise<WrittenBackup> {
  const { file, signal } = options;
  if (existsSync(file)) throw new HarborError(`Cannot write "${file}": it is there already`, { hint: "Name another file with --to" });
  const temporary = `${file}.${process.pid}.tmp`;
  const writer = new ArchiveWriter(options, temporary);
  try {
    const steps: [Readable, ...Writable[]] = [Readable.from(writer.chunks())];
    if (!file.endsWith(".tar")) steps.push(createGzip({ level: GZIP_LEVEL }));
    steps.push(createWriteStream(temporary, { mode: 0o600, flags: "wx" }));
    await pipeline(steps, { signal });
    await using written = await open(temporary, "r+");
    await written.sync();
    const { size } = await written.stat();
    renameSync(temporary, file);
    return { file, bytes: size, manifest: writer.manifest, ...writer.figures };
  } catch (error) {
    rmSync(temporary, { force: true });
    if (signal.aborted) throw new HarborError("Cannot finish the backup: interrupted", { exit: "interrupted", cause: error });
    if (error instanceof HarborError) throw error;
    throw new HarborError(`Cannot write "${file}": ${(error as Error).message}`, { cause: error });
  }
}

/** Models do not compress, and there is much of them. */
const GZIP_LEVEL = 3;

class ArchiveWriter {
  readonly manifest: BackupManifest;
  readonly figures = { files: 0, contentBytes: 0, leftOut: [] as string[] };
  private sums = "";
  private itself: Stats | undefined;

  constructor(
    private readonly options: WriteBackupOptions,
    /** The archive itself, which may be written below what it is made of. */
    private readonly temporary: string,
  ) {
    const { config, secrets, inKeychain, home, profiles, env, services, data } = options.collected;
    this.manifest = {
      format: 1,
      createdAt: new Date().toISOString(),
      harbor: programVersion(),
      config: config.names,
      secrets: secrets.names,
      inKeychain,
      home,
      profiles,
      env,
      services,
      data: data.map(({ name }) => name),
      owners: Object.fromEntries(data.filter(({ name, handle }) => name !== handle).map(({ name, handle }) => [name, handle])),
    };
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const { collected, home } = this.options;
    yield* this.text(MANIFEST, `${JSON.stringify(this.manifest, null, 2)}\n`);
    if (collected.config.text !== "") yield* this.text(CONFIG, collected.config.text);
    if (collected.secrets.text !== "") yield* this.text(SECRETS, collected.secrets.text);
    for (const name of collected.home) yield* this.root(`home/${name}`, join(home, name));
    for (const name of collected.profiles) yield* this.root(`profiles/${name}.env`, profileFile(home, name));
    for (const handle of collected.env) yield* this.root(`env/${handle}.env`, join(home, "env", `${handle}.env`));
    for (const handle of collected.services) yield* this.root(`services/${handle}`, join(home, "services", handle));
    for (const { name, path } of collected.data) yield* this.root(`data/${name}`, path);
    yield* this.text(SUMS, this.sums);
    yield archiveEnd();
  }

  private *text(path: string, text: string): Generator<Uint8Array> {
    const body = new TextEncoder().encode(text);
    const now = Math.floor(Date.now() / 1000);
    yield encodeHeader({ path, type: "file", mode: 0o600, uid: 0, gid: 0, size: body.length, mtime: now, target: "" });
    yield body;
    yield padding(body.length);
    this.note(path, new Bun.CryptoHasher("sha256").update(body).digest("hex"));
  }

  /** Those who keep it on another disk have a link there, which is followed: what it leads to is what was asked for. */
  private root(path: string, source: string): AsyncGenerator<Uint8Array> {
    return this.tree(
      path,
      read(source, () => realpathSync(source)),
    );
  }

  /** A file, a link, or a folder with all that is in it. */
  private async *tree(path: string, source: string): AsyncGenerator<Uint8Array> {
    const stats = statOf(source);
    this.itself ??= lstatSync(this.temporary, { throwIfNoEntry: false });
    if (stats.ino === this.itself?.ino && stats.dev === this.itself.dev) return;
    const type = typeOf(stats);
    if (type === undefined || (type === "folder" && existsSync(join(source, "harbor-env.json")))) {
      this.figures.leftOut.push(path);
      return;
    }
    const target = type === "link" ? readlinkSync(source) : "";
    const entry: TarEntry = {
      path,
      type,
      mode: stats.mode & 0o1777,
      uid: stats.uid,
      gid: stats.gid,
      size: 0,
      mtime: stats.mtimeMs / 1000,
      target,
    };
    if (type === "file") yield* this.file({ ...entry, size: stats.size }, source);
    else yield encodeHeader(entry);
    if (type !== "folder") return;
    for (const name of read(source, () => readdirSync(source).sort())) yield* this.tree(`${path}/${name}`, join(source, name));
  }

  /** Exactly as much as its header says. */
  private async *file(entry: TarEntry, source: string): AsyncGenerator<Uint8Array> {
    yield encodeHeader(entry);
    const hasher = new Bun.CryptoHasher("sha256");
    let size = 0;
    try {
      for await (const chunk of createReadStream(source, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Uint8Array>) {
        size += chunk.length;
        if (size > entry.size) break;
        hasher.update(chunk);
        yield chunk;
      }
    } catch (error) {
      throw unreadable(source, error as NodeJS.ErrnoException);
    }
    if (size !== entry.size) {
      throw new HarborError(`Cannot back up "${source}": it changed while it was read`, { hint: "Stop what writes to it, then try again" });
    }
    yield padding(size);
    this.note(entry.path, hasher.digest("hex"));
    this.figures.files++;
    this.figures.contentBytes += size;
  }

  private note(path: string, digest: string): void {
    this.sums += formatSum(digest, path);
  }
}

function typeOf(stats: Stats): TarEntry["type"] | undefined {
  return stats.isFile() ? "file" : stats.isDirectory() ? "folder" : stats.isSymbolicLink() ? "link" : undefined;
}

function statOf(path: string): Stats {
  return read(path, () => lstatSync(path));
}

function read<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw unreadable(path, error as NodeJS.ErrnoException);
  }
}

/** What containers write may belong to another user. */
function unreadable(path: string, cause: NodeJS.ErrnoException): HarborError {
  const isForbidden = cause.code === "EACCES" || cause.code === "EPERM";
  if (cause.code === "ENOENT" && path.includes("\ufffd")) {
    return new HarborError(`Cannot back up "${path}": its name is no UTF-8`, { cause, hint: "Rename it" });
  }
  return new HarborError(`Cannot back up "${path}": ${isForbidden ? "no permission to read it" : cause.message}`, {
    cause,
    ...(isForbidden ? { hint: "A container wrote it as another user: run the same as root, with HARBOR_HOME as it is now" } : {}),
  });
}
