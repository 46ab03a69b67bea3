/**
 * `$HARBOR_HOME/history.jsonl`: what was changed with `harbor`, a JSON object a line, the latest last, for its owner's eyes
 * alone. Not in `state/`, which is gone after `harbor down`.
 */
import { closeSync, constants, fchmodSync, fstatSync, openSync, readFileSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeAll } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { sweepLeftovers } from "../_script/sweep-leftovers.ts";
import { writeFileWhole } from "../_script/write-file.ts";

export interface HistoryEntry {
  /** ISO 8601, of its end. */
  time: string;
  /** `up`, `config set`. */
  command: string;
  /** With `********` for all that could be a secret. */
  words: string[];
  exit: number;
  ms: number;
  /** Where it was called. */
  cwd: string;
}

/** A busy year of a person; a script's day. */
const MOST_BYTES = 256 * 1024;
/** Whoever waits has done what was asked for. */
const WAIT_MS = 5_000;

export function historyPath(home: string): string {
  return join(home, "history.jsonl");
}

/** The oldest first. A line that cannot be read is left out: its writer may have been killed. */
export function readHistory(home: string): HistoryEntry[] {
  return readLines(historyPath(home)).flatMap((line) => {
    try {
      const entry: unknown = JSON.parse(line);
      return isEntry(entry) ? [entry] : [];
    } catch {
      return [];
    }
  });
}

function isEntry(value: unknown): value is HistoryEntry {
  const { time, command, words, exit } = (value ?? {}) as Partial<HistoryEntry>;
  const isText = (it: unknown): boolean => typeof it === "string";
  return isText(time) && isText(command) && Array.isArray(words) && words.every(isText) && typeof exit === "number";
}

/** One at a time; where the file has grown too large its older half goes. */
export async function appendHistory(home: string, entry: HistoryEntry): Promise<void> {
  const path = historyPath(home);
  await withLock(
    `${path}.lock`,
    () => {
      sweepLeftovers(path);
      append(path, `${JSON.stringify(entry)}\n`);
      if (statSync(path).size > MOST_BYTES) keepLatest(path);
    },
    { waitMs: WAIT_MS, purpose: "harbor history" },
  );
}

/** How many entries there were. */
export async function clearHistory(home: string): Promise<number> {
  const path = historyPath(home);
  const count = readHistory(home).length;
  if (count === 0) return 0;
  await withLock(`${path}.lock`, () => rmSync(path, { force: true }), { purpose: "harbor history clear" });
  return count;
}

function append(path: string, text: string): void {
  const { O_APPEND, O_CREAT, O_RDWR, O_NOFOLLOW } = constants;
  const file = openSync(path, O_APPEND | O_CREAT | O_RDWR | O_NOFOLLOW, 0o600);
  try {
    fchmodSync(file, 0o600); // whoever made it before us
    writeAll(file, endsLine(file) ? text : `\n${text}`);
  } finally {
    closeSync(file);
  }
}

/** On a full disk the last line may have been written in part. */
function endsLine(file: number): boolean {
  const last = new Uint8Array(1);
  const { size } = fstatSync(file);
  return size === 0 || readSync(file, last, 0, 1, size - 1) === 0 || last[0] === 10;
}

function keepLatest(path: string): void {
  const lines = readLines(path);
  let bytes = 0;
  const from = lines.findLastIndex((line) => {
    bytes += Buffer.byteLength(line) + 1;
    return bytes > MOST_BYTES / 2;
  });
  writeFileWhole(path, `${lines.slice(from + 1).join("\n")}\n`);
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new HarborError(`Cannot read "${path}": ${(cause as Error).message}`, { cause });
  }
}
