/** Headers of a tar archive, POSIX.1-2001 (pax): what any tar reads. Long or foreign names and large sizes stand in an extended header. */

export const BLOCK = 512;

export interface TarEntry {
  /** With `/`, no `/` at its end. */
  path: string;
  type: "file" | "folder" | "link";
  /** Permissions alone. */
  mode: number;
  uid: number;
  gid: number;
  /** Of a file, in bytes; 0 of all else. */
  size: number;
  /** Seconds since 1970. */
  mtime: number;
  /** Where a link leads. */
  target: string;
}

const TYPES: Readonly<Record<TarEntry["type"], string>> = { file: "0", link: "2", folder: "5" };
/** What eleven octal digits hold. */
const LARGEST = 8 ** 11 - 1;

/** One block, or three and more where it takes an extended header. */
export function encodeHeader(entry: TarEntry): Uint8Array {
  const path = entry.type === "folder" ? `${entry.path}/` : entry.path;
  const extended: [string, string][] = [];
  if (!fits(path)) extended.push(["path", path]);
  if (!fits(entry.target)) extended.push(["linkpath", entry.target]);
  if (entry.size > LARGEST) extended.push(["size", String(entry.size)]);
  const main = encodeBlock({ ...entry, path, type: TYPES[entry.type], size: Math.min(entry.size, LARGEST) });
  if (extended.length === 0) return main;
  const body = new TextEncoder().encode(extended.map(([key, value]) => formatRecord(key, value)).join(""));
  const head = encodeBlock({ ...entry, path: "PaxHeaders/entry", type: "x", size: body.length, target: "", mode: 0o600 });
  return concat([head, body, padding(body.length), main]);
}

function fits(text: string): boolean {
  return text.length <= 100 && /^[ -~]*$/.test(text);
}

/** `27 path=a/long/name\n`: its length counts itself. */
function formatRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + 1;
  while (String(length).length + bytes !== length) length = String(length).length + bytes;
  return `${length}${rest}`;
}

type Block = Omit<TarEntry, "type"> & { type: string };

function encodeBlock({ path, mode, uid, gid, size, mtime, type, target }: Block): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string, length: number): void => void block.set(new TextEncoder().encode(text).subarray(0, length), at);
  const octal = (at: number, value: number, digits: number): void => put(at, Math.max(0, value).toString(8).padStart(digits, "0"), digits);
  put(0, path, 100);
  octal(100, mode, 7);
  octal(108, Math.min(uid, 0o7777777), 7);
  octal(116, Math.min(gid, 0o7777777), 7);
  octal(124, size, 11);
  octal(136, Math.floor(mtime), 11);
  put(148, " ".repeat(8), 8);
  put(156, type, 1);
  put(157, target, 100);
  put(257, "ustar\u000000", 8);
  put(148, `${sumOf(block).toString(8).padStart(6, "0")}\0 `, 8);
  return block;
}

/** With the checksum's own field as spaces. */
function sumOf(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

/** The zeros up to the next block. */
export function padding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** Two empty blocks end an archive. */
export function archiveEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** `extended`: the next header's own words. `end`: an empty block. Undefined where its checksum is wrong, or it is of a kind that we do not write. */
export type Decoded = { kind: "entry"; entry: TarEntry } | { kind: "extended"; size: number } | { kind: "end" };

export function decodeHeader(block: Uint8Array, extended: ReadonlyMap<string, string>): Decoded | undefined {
  if (block.every((byte) => byte === 0)) return { kind: "end" };
  const text = (at: number, length: number): string => {
    const field = block.subarray(at, at + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end === -1 ? field : field.subarray(0, end));
  };
  const octal = (at: number, length: number): number => Number.parseInt(text(at, length).trim() || "0", 8);
  if (octal(148, 8) !== sumOf(block)) return undefined;
  const size = Number(extended.get("size") ?? octal(124, 12));
  const flag = text(156, 1);
  if (flag === "x") return { kind: "extended", size };
  const type = (Object.keys(TYPES) as TarEntry["type"][]).find((name) => TYPES[name] === flag);
  if (type === undefined || !Number.isSafeInteger(size) || size < 0) return undefined;
  const path = (extended.get("path") ?? text(0, 100)).replace(/\/+$/, "");
  const target = extended.get("linkpath") ?? text(157, 100);
  const [mode, uid, gid, mtime] = [octal(100, 8), octal(108, 8), octal(116, 8), octal(136, 12)];
  return { kind: "entry", entry: { path, type, mode, uid, gid, size: type === "file" ? size : 0, mtime, target } };
}

/** What an extended header says. */
export function decodeRecords(body: Uint8Array): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = Number(new TextDecoder().decode(body.subarray(at, space)));
    if (space === -1 || !(length > 0)) break;
    const record = new TextDecoder().decode(body.subarray(space + 1, at + length - 1));
    records.set(record.slice(0, record.indexOf("=")), record.slice(record.indexOf("=") + 1));
    at += length;
  }
  return records;
}
