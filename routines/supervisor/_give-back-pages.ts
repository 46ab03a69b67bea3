/**
 * Gives back the memory that only the start needed: the pages of bun's own program that were read on the way. Whatever
 * of it is called again is read again, from the system's cache. Two thirds of an idle supervisor are such pages.
 */
import { readFileSync, realpathSync } from "node:fs";

/** madvise(2): of code, which nobody writes to, nothing is lost. */
const MADV_DONTNEED = 4;

/** Says how many bytes of code it gave back; 0 where the system is not Linux, or does not take them. */
export async function giveBackPages(): Promise<number> {
  if (process.platform !== "linux") return 0;
  try {
    const { dlopen } = await import("bun:ffi");
    const names = ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`];
    const { symbols } = openFirst(names, (name) => dlopen(name, { madvise: { args: ["u64", "u64", "i32"], returns: "i32" } }));
    let count = 0;
    for (const { start, length } of codeOf(readFileSync("/proc/self/maps", "latin1"), realpathSync("/proc/self/exe"))) {
      if (symbols.madvise(start, length, MADV_DONTNEED) === 0) count += Number(length);
    }
    return count;
  } catch {
    return 0; // it would have been a favour
  }
}

function openFirst<T>(names: readonly string[], open: (name: string) => T): T {
  let failure: unknown;
  for (const name of names) {
    try {
      return open(name);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** The mappings of a program that hold code alone: readable, executable, not writable. */
export function codeOf(maps: string, program: string): { start: bigint; length: bigint }[] {
  return maps.split("\n").flatMap((line) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ \d+\s+(.*)$/.exec(line) ?? [];
    if (from === undefined || to === undefined || path !== program) return [];
    const start = BigInt(`0x${from}`);
    return [{ start, length: BigInt(`0x${to}`) - start }];
  });
}
