/**
 * The few facts at the beginning of a GGUF file: architecture, quantisation, context length. The format is that of ggml's
 * docs/gguf.md, version 2 and 3: the magic, counts, then pairs of a key and a typed value. Nothing in it is trusted: lengths are
 * bounded, and what does not fit ends the reading with what was found so far.
 */
import { readHead } from "./_read-head.ts";
import type { ModelDetails } from "./_stored-model.ts";

/** Where the facts are in every file seen; then, for one with much before them. */
const READ_BYTES = [64 << 10, 4 << 20];
const MOST_KEYS = 10_000;
const MAGIC = 0x46554747;

/** The value types that have a fixed size, in bytes, by their number. */
const SIZES: Readonly<Record<number, number>> = { 0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8 };
const STRING = 8;
const ARRAY = 9;

/** `general.file_type` → name: llama.cpp's `llama_ftype`. */
const FILE_TYPES: Readonly<Record<number, string>> = {
  ...{ 0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M" },
  ...{ 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS" },
  ...{ 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M" },
  ...{ 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4", 39: "NVFP4", 40: "Q1_0" },
};

/** Undefined for a file that is no GGUF. */
export function readGgufHeader(path: string): ModelDetails | undefined {
  let found: Header | undefined;
  for (const bytes of READ_BYTES) {
    const head = readHead(path, bytes);
    if (head === undefined) return undefined;
    found = parseHeader(head);
    if (found === undefined || found.isWhole || head.length < bytes) break;
  }
  return found?.details;
}

interface Header {
  details: ModelDetails;
  /** Nothing more is to be learnt. */
  isWhole: boolean;
}

/** Undefined where the bytes are no GGUF. */
export function parseHeader(bytes: Uint8Array): Header | undefined {
  const cursor = new Cursor(bytes);
  if (!cursor.has(24) || cursor.u32() !== MAGIC) return undefined;
  const version = cursor.u32();
  cursor.skip(8);
  const keys = cursor.u64();
  // the first version counts otherwise, a file of the other byte order has a large number there
  if (version !== 2 && version !== 3) return { details: { format: "gguf" }, isWhole: true };
  const values = new Map<string, string | number>();
  let index = 0;
  while (index < Math.min(keys, MOST_KEYS) && !isEnough(values) && readPair(cursor, values)) index++;
  return { details: asDetails(values), isWhole: index >= Math.min(keys, MOST_KEYS) || isEnough(values) };
}

function isEnough(values: ReadonlyMap<string, string | number>): boolean {
  const architecture = values.get("general.architecture");
  return architecture !== undefined && values.has("general.file_type") && values.has(`${architecture}.context_length`);
}

/** False where the bytes end before the pair does. */
function readPair(cursor: Cursor, values: Map<string, string | number>): boolean {
  const key = cursor.text();
  if (key === undefined || !cursor.has(4)) return false;
  const type = cursor.u32();
  if (type === ARRAY) return skipArray(cursor);
  if (type === STRING) {
    const text = cursor.text();
    if (text !== undefined) values.set(key, text);
    return text !== undefined;
  }
  const size = SIZES[type];
  if (size === undefined || !cursor.has(size)) return false;
  const number = cursor.integer(type, size);
  if (number !== undefined) values.set(key, number);
  return true;
}

function skipArray(cursor: Cursor): boolean {
  if (!cursor.has(12)) return false;
  const type = cursor.u32();
  const count = cursor.u64();
  const size = SIZES[type];
  if (size !== undefined) return cursor.skip(size * count);
  if (type !== STRING) return false; // an array of arrays is in no file
  for (let index = 0; index < count; index++) if (!cursor.skipText()) return false;
  return true;
}

function asDetails(values: ReadonlyMap<string, string | number>): ModelDetails {
  const architecture = asText(values.get("general.architecture"));
  const fileType = values.get("general.file_type");
  const context = values.get(`${architecture}.context_length`);
  return {
    format: "gguf",
    architecture,
    quantisation: typeof fileType === "number" ? FILE_TYPES[fileType] : undefined,
    parameters: asText(values.get("general.size_label")),
    contextLength: typeof context === "number" ? context : undefined,
  };
}

/** Short and plain, as it goes to a terminal. */
function asText(value: string | number | undefined): string | undefined {
  return typeof value === "string" && /^[\w. +-]{1,60}$/.test(value) ? value : undefined;
}

/** Little-endian numbers and counted texts, one after the other. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  has(count: number): boolean {
    return this.#at + count <= this.#bytes.length;
  }

  skip(count: number): boolean {
    if (!this.has(count)) return false;
    this.#at += count;
    return true;
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  u64(): number {
    this.#at += 8;
    return Number(this.#view.getBigUint64(this.#at - 8, true));
  }

  /** Undefined for fractions and truth values, which are of no use here. */
  integer(type: number, size: number): number | undefined {
    const at = this.#at;
    this.#at += size;
    if (type === 4) return this.#view.getUint32(at, true);
    if (type === 5) return this.#view.getInt32(at, true);
    if (type === 10) return Number(this.#view.getBigUint64(at, true));
    return type === 11 ? Number(this.#view.getBigInt64(at, true)) : undefined;
  }

  text(): string | undefined {
    const start = this.#at + 8;
    if (!this.skipText()) return undefined;
    return new TextDecoder().decode(this.#bytes.subarray(start, this.#at));
  }

  skipText(): boolean {
    return this.has(8) && this.skip(this.u64());
  }
}
