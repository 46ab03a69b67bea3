/**
 * One file of a model → a verified file in the staging folder. What has been received stays whatever happens, and the next
 * attempt, of this process or another, asks for the rest.
 *
 * No `If-Range`: the address names a commit, whose files never change, and is answered by a content network whose ETag is not the
 * hub's, so that a condition would only ever ask for everything again. The checksum is what decides.
 */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { formatSize } from "../_script/size.ts";
import type { HubClient } from "./_hub-client.ts";
import { asDiskError } from "./_model-error.ts";
import { Transient } from "./_patience.ts";
import { type ModelPlaces, partialPath, stagedPath } from "./_places.ts";
import type { TreeFile } from "./_tree.ts";

export interface FetchBlobOptions {
  hub: HubClient;
  places: ModelPlaces;
  commit: string;
  file: TreeFile;
  /** How many of its bytes are here. */
  onBytes: (received: number) => void;
  signal?: AbortSignal | undefined;
}

/** Throws `checksum` where it is wrong twice, `disk`, and as `HubClient` does. */
export async function fetchBlob(options: FetchBlobOptions): Promise<void> {
  const { hub, places, file } = options;
  const partial = partialPath(places, file.blob);
  try {
    for (let round = 0; round < 2; round++) {
      if (await receive(options, partial)) return await rename(partial, stagedPath(places, file.blob));
      await rm(partial, { force: true });
    }
  } catch (error) {
    throw asDiskError(hub.repo, `"${partial}" cannot be written`, error);
  }
  throw hub.fail("checksum", `"${file.path}" is not what ${hub.host} says it is, received twice`, {
    details: [`Expected: ${formatSize(file.bytes)} with the checksum ${file.blob}`],
    hint: "Something in between changes it, such as a proxy; try another network, or HF_ENDPOINT",
  });
}

/** Receives the rest of the file; whether its checksum is right. */
async function receive(options: FetchBlobOptions, partial: string): Promise<boolean> {
  const { hub, file, signal } = options;
  await using handle = await open(partial, "a+", 0o666);
  const blob = new PartialBlob(handle, file);
  await blob.readBack(() => {
    if (signal?.aborted) throw hub.fail("interrupted", "interrupted");
  });
  await hub.persist(
    (getsOn) => receiveOnce(options, blob, getsOn),
    () => `; ${formatSize(blob.received)} of ${formatSize(file.bytes)} of "${file.path}" are received`,
  );
  await handle.datasync();
  return blob.isRight();
}

async function receiveOnce({ hub, commit, file, onBytes }: FetchBlobOptions, blob: PartialBlob, getsOn: () => void): Promise<void> {
  if (blob.received >= file.bytes) return onBytes(blob.received);
  onBytes(blob.received);
  const { response, chunks } = await hub.open(hub.url(hub.repo, "resolve", commit, file.path), blob.received);
  let skip = blob.received - readStart(response, blob.received);
  for await (const chunk of chunks) {
    // a server that does not know ranges sends what is here once more
    const news = skip >= chunk.length ? undefined : chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
    if (news === undefined) continue;
    await blob.append(news);
    getsOn();
    onBytes(blob.received);
    if (blob.received > file.bytes) return; // that cannot be it
  }
  if (blob.received < file.bytes) throw new Transient("the connection ended too early");
}

/** At which byte the answer begins. Throws `Transient` where nothing says so, or it is past `wanted`. */
function readStart(response: Response, wanted: number): number {
  if (response.status !== 206) return 0;
  const [, start] = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "") ?? [];
  if (start === undefined || Number(start) > wanted) throw new Transient("the server sends another part than it was asked for");
  return Number(start);
}

/** A file as it grows, and the checksum of what is in it: SHA-256, or git's SHA-1 of a blob. */
class PartialBlob {
  readonly #handle: FileHandle;
  readonly #file: TreeFile;
  readonly #hash: Bun.CryptoHasher;
  received = 0;

  constructor(handle: FileHandle, file: TreeFile) {
    this.#handle = handle;
    this.#file = file;
    this.#hash = new Bun.CryptoHasher(file.blob.length === 64 ? "sha256" : "sha1");
    if (file.blob.length === 40) this.#hash.update(`blob ${file.bytes}\0`);
  }

  /** Takes in what an earlier attempt has left. */
  async readBack(checkpoint: () => void): Promise<void> {
    const { size } = await this.#handle.stat();
    if (size > this.#file.bytes) await this.#handle.truncate(0);
    const buffer = new Uint8Array(1 << 20);
    while (true) {
      checkpoint();
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.received);
      if (bytesRead === 0) return;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.received += bytesRead;
    }
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, at);
      at += bytesWritten;
    }
    this.#hash.update(bytes);
    this.received += bytes.length;
  }

  isRight(): boolean {
    return this.received === this.#file.bytes && this.#hash.digest("hex") === this.#file.blob;
  }
}
