/** An archive's bytes → its entries, one after the other, each with its content as it comes. */
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { createGunzip } from "node:zlib";
import { HarborError } from "../_script/error.ts";
import { BLOCK, concat, decodeHeader, decodeRecords, type TarEntry } from "./_tar-format.ts";

export interface ReadEntry {
  entry: TarEntry;
  /** To be read to its end before the next entry is asked for; what is left is skipped. */
  body: AsyncGenerator<Uint8Array>;
}

const NO_BACKUP = "it is no backup of Harbor's";
/** Larger than any that we write. */
const EXTENDED_MOST = 1024 * 1024;

/** Throws for what is no archive of ours, or ends before its end. */
export async function* readEntries(file: string): AsyncGenerator<ReadEntry> {
  const source = new ByteSource(openArchive(file), file);
  let extended = new Map<string, string>();
  for (let isFirst = true; ; isFirst = false) {
    const decoded = decodeHeader(await source.take(BLOCK), extended);
    if (decoded === undefined) throw broken(file, isFirst ? NO_BACKUP : "it holds something that is no entry of a backup");
    source.isBegun = true;
    if (decoded.kind === "end") return;
    if (decoded.kind === "extended") {
      if (decoded.size > EXTENDED_MOST) throw broken(file, "it holds something that is no entry of a backup");
      extended = decodeRecords(await source.take(decoded.size));
      await source.skip(paddingOf(decoded.size));
      continue;
    }
    extended = new Map();
    const { entry } = decoded;
    const body = source.read(entry.size);
    yield { entry, body };
    for await (const _ of body); // what nobody wanted
    await source.skip(paddingOf(entry.size));
  }
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

export function broken(file: string, why: string): HarborError {
  return new HarborError(`Cannot read "${file}": ${why}`, { hint: "Nothing was changed; use another copy of it" });
}

/** Compressed or not, by its first bytes. */
function openArchive(file: string): AsyncIterable<Uint8Array> {
  const magic = new Uint8Array(2);
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new HarborError(`Cannot read "${file}": ${isAbsent ? "there is no such file" : (cause as Error).message}`, {
      exit: isAbsent ? "unknown" : "failed",
      cause,
    });
  }
  try {
    readSync(fd, magic, 0, 2, 0);
  } catch (cause) {
    throw broken(file, (cause as Error).message);
  } finally {
    closeSync(fd);
  }
  const plain = createReadStream(file, { highWaterMark: 1024 * 1024 });
  if (magic[0] !== 0x1f || magic[1] !== 0x8b) return plain;
  const unpacked = createGunzip();
  plain.on("error", (error) => unpacked.destroy(error));
  return plain.pipe(unpacked);
}

/** Bytes in the portions that are asked for. */
class ByteSource {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private pending: Uint8Array = new Uint8Array();
  /** Whether what came so far is an archive's. */
  isBegun = false;

  constructor(
    source: AsyncIterable<Uint8Array>,
    private readonly file: string,
  ) {
    this.chunks = source[Symbol.asyncIterator]();
  }

  async take(size: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for await (const part of this.read(size)) parts.push(part);
    return concat(parts);
  }

  async skip(size: number): Promise<void> {
    for await (const _ of this.read(size));
  }

  async *read(size: number): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0; ) {
      if (this.pending.length === 0) this.pending = await this.next();
      const part = this.pending.subarray(0, left);
      this.pending = this.pending.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  private async next(): Promise<Uint8Array> {
    try {
      const { done, value } = await this.chunks.next();
      if (!done) return value;
    } catch (cause) {
      throw broken(this.file, `it cannot be unpacked: ${(cause as Error).message}`);
    }
    throw broken(this.file, this.isBegun ? "it ends in the middle" : NO_BACKUP);
  }
}
