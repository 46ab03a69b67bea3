/**
 * Gives a part of a file back to the file system without changing the file's length: Linux's
 * fallocate(2), which neither bun nor node has. Loaded at the first use.
 */
import { closeSync, fstatSync, futimesSync, openSync } from "node:fs";

const KEEP_SIZE = 0x01;
const PUNCH_HOLE = 0x02;
/** glibc, then musl. */
const LIBRARIES = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];

type Fallocate = (fd: number, mode: number, offset: number, length: number) => number;

let loaded: { fallocate: Fallocate | undefined } | undefined;

/** False where the system or this file system cannot. */
export function punchHole(path: string, offset: number, length: number): boolean {
  loaded ??= { fallocate: loadFallocate() };
  if (loaded.fallocate === undefined) return false;
  const fd = openSync(path, "r+");
  try {
    const { atimeMs, mtimeMs } = fstatSync(fd);
    if (loaded.fallocate(fd, KEEP_SIZE | PUNCH_HOLE, offset, length) !== 0) return false;
    futimesSync(fd, atimeMs / 1000, mtimeMs / 1000); // when it was written is not when it was punched
    return true;
  } finally {
    closeSync(fd);
  }
}

function loadFallocate(): Fallocate | undefined {
  if (process.platform !== "linux") return undefined;
  const { dlopen } = require("bun:ffi") as typeof import("bun:ffi");
  for (const library of LIBRARIES) {
    try {
      return dlopen(library, { fallocate: { args: ["int", "int", "i64", "i64"], returns: "int" } }).symbols.fallocate as Fallocate;
    } catch {
      // the other one, then
    }
  }
  return undefined;
}
