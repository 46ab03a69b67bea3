/**
 * A file at any address → a plain file in a folder. What has been received stays, and the next call goes on from it where the server
 * says by its ETag that the file is still the same. Its checksum is checked where the user or the server tells it; that it is a file of
 * its kind, and not the login page of a network in between, always.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../_script/lock.ts";
import { formatSize } from "../_script/size.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import type { FetchedFile } from "./_fetch-plain.ts";
import { freeBytes } from "./_free-bytes.ts";
import { readGgufHeader } from "./_gguf-header.ts";
import { HubClient } from "./_hub-client.ts";
import { asDiskError, ModelError } from "./_model-error.ts";
import { DEFAULT_PATIENCE, type Patience, Transient } from "./_patience.ts";
import { isPlaced, placeFile, removeEmpty, stagingIn } from "./_place-file.ts";
import { readSafetensorsHeader } from "./_safetensors-header.ts";
import type { ModelProgress } from "./show-progress.ts";

export interface FetchUrlOptions {
  url: URL;
  /** Its name here. */
  file: string;
  /** The store's folder, and the folder in it where it belongs. */
  root: string;
  folder: string;
  /** In hexadecimal digits. */
  sha256?: string | undefined;
  onProgress?: ((progress: ModelProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
  patience?: Patience;
}

export interface FetchedUrl extends FetchedFile {
  /** Whether a checksum was known. */
  isVerified: boolean;
}

/** What is known of the file that is being received. */
interface Note {
  url: string;
  /** Of the server: the same for the same content; empty where it tells none. */
  validator: string;
  total: number | undefined;
  sha256: string | undefined;
}

/** Throws `ModelError` of each kind. */
export async function fetchUrl(options: FetchUrlOptions): Promise<FetchedUrl> {
  const { url, file, root, folder, signal } = options;
  checkAddress(options);
  const target = join(folder, file);
  const staging = stagingIn(root);
  const name = new Bun.CryptoHasher("sha1").update(url.href).digest("hex");
  const partial = join(staging, `${name}.incomplete`);
  if (isPlaced(target, undefined)) return present(target, options);
  try {
    mkdirSync(staging, { recursive: true });
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw asDiskError(file, `"${root}" cannot be written`, error);
  }
  const work = async (): Promise<FetchedUrl> => {
    if (isPlaced(target, undefined)) return present(target, options); // whoever we waited for has fetched it
    const note = await receive(options, partial);
    const isVerified = await check(options, partial, note);
    placeFile(file, partial, target);
    rmSync(`${partial}.json`, { force: true });
    return { path: target, bytes: note.total ?? 0, wasPresent: false, isVerified };
  };
  try {
    return await withLock(`${partial}.lock`, work, { waitMs: Number.POSITIVE_INFINITY, signal, purpose: `fetching ${file}` });
  } finally {
    removeEmpty([staging]);
  }
}

/** Over plain http anybody in between may put another file in its place. */
function checkAddress({ url, file, sha256 }: FetchUrlOptions): void {
  const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url.protocol === "https:" || isLocal || sha256 !== undefined) return;
  throw new ModelError("denied", file, `${url.host} is asked over plain http, and nothing says what the file has to be`, {
    hint: "Use https, or say its checksum with --sha256",
  });
}

async function present(target: string, { file, sha256 }: FetchUrlOptions): Promise<FetchedUrl> {
  if (sha256 !== undefined && (await hashFile(target)) !== sha256) {
    throw new ModelError("checksum", file, `"${target}" is there, and is another file`, { hint: "Remove or rename it first" });
  }
  return { path: target, bytes: Bun.file(target).size, wasPresent: true, isVerified: sha256 !== undefined };
}

async function receive(options: FetchUrlOptions, partial: string): Promise<Note> {
  const { url, file, patience = DEFAULT_PATIENCE, signal } = options;
  const client = new HubClient({ repo: file, endpoint: url.origin, patience, signal });
  try {
    await using handle = await open(partial, "a+", 0o666);
    const part = new Part(options, handle, partial);
    await part.begin();
    await client.persist(
      (getsOn) => part.receive(client, getsOn),
      () => `; ${formatSize(part.received)} are received`,
    );
    await handle.datasync();
    return part.note as Note;
  } catch (error) {
    throw asOwnError(options, asDiskError(file, `"${partial}" cannot be written`, error));
  }
}

/** A file as it grows, and what is known of the whole. */
class Part {
  readonly #options: FetchUrlOptions;
  readonly #handle: FileHandle;
  readonly #path: string;
  received = 0;
  note: Note | undefined;
  #most = 0;

  constructor(options: FetchUrlOptions, handle: FileHandle, path: string) {
    this.#options = options;
    this.#handle = handle;
    this.#path = path;
  }

  /** Takes over what an earlier call has left, where it can be gone on from. */
  async begin(): Promise<void> {
    this.note = readNote(this.#path, this.#options.url);
    if (this.note === undefined) await this.#handle.truncate(0);
    this.received = (await this.#handle.stat()).size;
  }

  /** The rest of it. Throws `Transient` where that may come the next time. */
  async receive(client: HubClient, getsOn: () => void): Promise<void> {
    if (this.note?.total !== undefined && this.received === this.note.total) return;
    const { url, file, onProgress } = this.#options;
    const { response, chunks } = await client.open(url, this.received);
    await this.#take(describe(url, response, this.received));
    for await (const chunk of chunks) {
      await append(this.#handle, chunk);
      this.received += chunk.length;
      // to receive the same once more is not to get on
      if (this.received > this.#most) getsOn();
      this.#most = Math.max(this.#most, this.received);
      onProgress?.({ file, fileIndex: 0, files: 1, received: this.received, total: this.note?.total ?? this.received });
    }
    const total = this.note?.total ?? this.received;
    if (this.received < total) throw new Transient("the connection ended too early");
    this.note = { ...(this.note as Note), total };
  }

  /** Throws away what is here where the answer is no continuation of it. */
  async #take({ note, from }: Answer): Promise<void> {
    const isSame = note.validator === this.note?.validator && note.total === this.note.total;
    if (this.received > 0 && (from !== this.received || !isSame)) {
      await this.#handle.truncate(0);
      this.received = 0;
      this.note = undefined;
      if (from > 0) throw new Transient("the file there has changed meanwhile");
    }
    this.note = note;
    checkSpace(this.#options, (note.total ?? 0) - this.received);
    writeFileWhole(`${this.#path}.json`, JSON.stringify(note), 0o666);
  }
}

async function append(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
}

interface Answer {
  note: Note;
  /** Where in the file it begins. */
  from: number;
}

function describe(url: URL, { status, headers }: Response, asked: number): Answer {
  const [, start, , size] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers.get("content-range") ?? "") ?? [];
  const from = status === 206 ? Number(start ?? asked) : 0;
  const length = headers.get("content-length");
  const total = size !== undefined ? Number(size) : length === null || status === 206 ? undefined : Number(length);
  const validator = headers.get("etag") ?? headers.get("last-modified") ?? "";
  return { note: { url: url.href, validator, total, sha256: readDigest(headers) }, from };
}

/** `Repr-Digest: sha-256=:…:` (RFC 9530), `Digest: sha-256=…` before it, or the hub's own. */
function readDigest(headers: Headers): string | undefined {
  const said = headers.get("repr-digest") ?? headers.get("digest") ?? "";
  const [, base64] = /(?:^|[,\s])sha-256=:?([A-Za-z0-9+/]{43}=):?/i.exec(said) ?? [];
  if (base64 !== undefined) return Buffer.from(base64, "base64").toString("hex");
  return /^"?([0-9a-f]{64})"?$/.exec(headers.get("x-linked-etag") ?? "")?.[1];
}

/** Undefined where nothing was received, or nothing tells after a while that it is still the same file. */
function readNote(partial: string, url: URL): Note | undefined {
  try {
    const note = JSON.parse(readFileSync(`${partial}.json`, "utf8")) as Note;
    return note.url === url.href && note.validator !== "" ? note : undefined;
  } catch {
    return undefined;
  }
}

function checkSpace({ file, root }: FetchUrlOptions, needed: number): void {
  const free = freeBytes(root);
  if (free === undefined || needed <= free) return;
  throw new ModelError("disk", file, `no space: ${formatSize(needed - free)} more would have to be free`, {
    details: [`Needed: ${formatSize(needed)}`, `Free: ${formatSize(free)} in ${root}`],
    hint: "`harbor models ls --sort size` shows what takes it",
  });
}

/** Whether a checksum was known, and is right. What is wrong is thrown away. */
async function check({ file, sha256, url }: FetchUrlOptions, partial: string, note: Note): Promise<boolean> {
  const fail = (why: string, details: string[], hint: string): never => {
    for (const path of [partial, `${partial}.json`]) rmSync(path, { force: true });
    throw new ModelError("checksum", file, why, { details, hint });
  };
  const header = /\.gguf$/i.test(file) ? readGgufHeader(partial) : readSafetensorsHeader(partial);
  if (header === undefined) {
    fail("what came is no such file", [`It came from ${url.host}`], "Does the address lead to a page about it, or one to log in?");
  }
  const expected = sha256 ?? note.sha256;
  if (expected === undefined) return false;
  const found = await hashFile(partial);
  if (found !== expected) {
    fail(
      "its checksum is not the right one",
      [`Expected: ${expected}`, `Received: ${found}`],
      "Call again; if it stays so, it is another file",
    );
  }
  return true;
}

async function hashFile(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  for await (const chunk of Bun.file(path).stream()) hash.update(chunk);
  return hash.digest("hex");
}

/** The client speaks of the hub and its token, which are not meant here. */
function asOwnError({ file, url, folder }: FetchUrlOptions, error: Error): Error {
  if (!(error instanceof ModelError)) return error;
  const { kind, details } = error;
  const rest = { details, cause: error };
  if (kind === "unknown-model") return new ModelError(kind, file, `${url.host} has no such file`, { ...rest, hint: "Check the address" });
  if (kind !== "denied") return error;
  const hint = `Fetch it with a browser, and put it into ${folder}`;
  return new ModelError(kind, file, `${url.host} does not give it to just anybody`, { ...rest, hint });
}
