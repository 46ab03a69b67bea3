/**
 * The first bytes of a file. When a model was last read is what tells whether it is used: so it is read here without
 * leaving that mark, where the system lets us (Linux, a file of one's own).
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Fewer where the file is shorter; undefined where it cannot be read. */
export function readHead(path: string, bytes: number): Uint8Array | undefined {
  let file: number | undefined;
  try {
    file = openUnmarked(path);
    const head = new Uint8Array(Math.min(bytes, fstatSync(file).size));
    let length = 0;
    while (length < head.length) {
      const read = readSync(file, head, length, head.length - length, length);
      if (read === 0) break;
      length += read;
    }
    return head.subarray(0, length);
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** A small text file whole; undefined where it cannot be read or is larger than that. */
export function readSmallText(path: string, most = 4 << 20): string | undefined {
  const head = readHead(path, most + 1);
  return head === undefined || head.length > most ? undefined : new TextDecoder().decode(head);
}

/** The JSON object in a small file; undefined for anything else. */
export function readSmallJson(path: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(readSmallText(path) ?? "");
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function openUnmarked(path: string): number {
  const { O_RDONLY, O_NOATIME } = constants;
  if (O_NOATIME === undefined) return openSync(path, O_RDONLY);
  try {
    return openSync(path, O_RDONLY | O_NOATIME);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
    return openSync(path, O_RDONLY);
  }
}
