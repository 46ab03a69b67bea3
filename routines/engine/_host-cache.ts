/**
 * What was found out about this machine and costs time to find out again, in
 * `$HARBOR_HOME/state/host.json`. Only a cache: unreadable means empty, unwritable means slower.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Section = Record<string, unknown>;

/** One remembered fact; undefined when it is not known. */
export function recallHost<T>(home: string, section: string, key: string): T | undefined {
  return sectionOf(readAll(home), section)[key] as T | undefined;
}

/** Remembers one fact beside what others remember. */
export function rememberHost(home: string, section: string, key: string, value: unknown): void {
  const all = readAll(home);
  const file = cachePath(home);
  const temporary = `${file}.${process.pid}`;
  try {
    mkdirSync(join(home, "state"), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, JSON.stringify({ ...all, [section]: { ...sectionOf(all, section), [key]: value } }), { mode: 0o600 });
    renameSync(temporary, file);
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

function cachePath(home: string): string {
  return join(home, "state", "host.json");
}

function readAll(home: string): Section {
  try {
    const all: unknown = JSON.parse(readFileSync(cachePath(home), "utf8"));
    return isSection(all) ? all : {};
  } catch (error) {
    if (error instanceof SyntaxError || isFileError(error)) return {};
    throw error;
  }
}

function sectionOf(all: Section, section: string): Section {
  const value = all[section];
  return isSection(value) ? value : {};
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFileError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}
