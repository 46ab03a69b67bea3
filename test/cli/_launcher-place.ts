/**
 * Copies of bin/ to start, with stand-ins for npm and bun, which note the words they are called with;
 * the real fetch is the newcomer's check.
 */

import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { resultOf } from "../_process.ts";

/** The checkout under test. */
export const source = resolve(import.meta.dir, "../..");
/** The version of bun that package.json asks for. */
export const pin = (JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as { engines: { bun: string } }).engines.bun;

/** Holds all that these tests make. */
export const base = mkdtempSync(join(tmpdir(), "harbor-launcher-"));

let count = 0;

/** A new folder; its name holds a space. */
export const fresh = (name: string): string => {
  const path = join(base, `${count++} ${name}`);
  mkdirSync(path, { recursive: true });
  return path;
};

/** Prints how it was called; ends with the code in RC; with `wait` stays until it is told to stop. */
const PROGRAM = `
process.on("SIGTERM", () => process.exit(42));
const { LEAKED, RC } = process.env;
console.log(JSON.stringify({ argv: process.argv.slice(2), bun: process.execPath, file: import.meta.path, cwd: process.cwd(), pid: process.pid, leaked: LEAKED ?? globalThis.leaked }));
process.exitCode = Number(RC ?? 0);
if (process.argv[2] === "wait") setInterval(() => undefined, 1000);
`;

/** A stand-in for the build: a copy, where harbor.ts does not say that it is broken. */
const BUILD = `
const source = await Bun.file(import.meta.dir + "/../harbor.ts").text();
if (source.includes("broken")) process.exit(1);
await Bun.write(import.meta.dir + "/../dist/harbor.js", source);
`;

export interface Place {
  root: string;
  harbor: string;
  withBun: string;
  /** Folder that PATH consists of. */
  tools: string;
  home: string;
  /** What the stand-ins noted, a line a call. */
  calls: () => string[];
}

/** A checkout (or a package) as it is after cloning, and a PATH with what every system has. */
export function makePlace(kind: "checkout" | "package" = "checkout"): Place {
  const root = fresh("check out");
  for (const name of ["harbor", "with-bun"]) cpSync(join(source, "bin", name), join(root, "bin", name));
  for (const name of ["package.json", "bunfig.toml"]) cpSync(join(source, name), join(root, name));
  writeFileSync(join(root, "bun.lock"), "");
  if (kind === "package") {
    mkdirSync(join(root, "dist"));
    writeFileSync(join(root, "dist/harbor.js"), PROGRAM);
  } else {
    writeFileSync(join(root, "harbor.ts"), PROGRAM);
    mkdirSync(join(root, "routines/stage"), { recursive: true });
    writeFileSync(join(root, "routines/stage/a-routine.ts"), "");
    writeFileSync(join(root, "bin/build.ts"), BUILD);
  }
  const tools = fresh("tools");
  for (const tool of [
    "sh",
    "sed",
    "head",
    "mkdir",
    "ln",
    "mv",
    "rm",
    "rmdir",
    "readlink",
    "sleep",
    "touch",
    "uname",
    "ps",
    "cat",
    "cp",
    "chmod",
  ]) {
    const path = Bun.which(tool);
    if (path !== null) symlinkSync(path, join(tools, tool));
  }
  const log = join(fresh("log"), "calls");
  const calls = (): string[] => (existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : []);
  const place = { root, harbor: join(root, "bin/harbor"), withBun: join(root, "bin/with-bun"), tools, home: fresh("home"), calls };
  writeScript(join(tools, "note"), `printf '%s\\n' "$*" >>'${log}'`);
  return place;
}

/** An executable of these lines of sh. */
export function writeScript(path: string, lines: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
}

/** A stand-in for bun: tells a version, notes an install, and is the real one for all else. */
export function bunStandIn(version: string, install = "exit 0"): string {
  return `case $1 in
--version) echo ${version} ;;
install) note "bun $*"; ${install} ;;
*) exec '${process.execPath}' "$@" ;;
esac`;
}

/** A stand-in for npm that "fetches" the stand-in for bun. */
export function npmStandIn(place: Place, first = ""): void {
  writeScript(join(place.tools, "bun-to-fetch"), bunStandIn(pin));
  writeScript(
    join(place.tools, "npm"),
    `note "npm $*"
${first}
mkdir -p "$3/node_modules/@oven/bun-here/bin" && cp '${join(place.tools, "bun-to-fetch")}' "$3/node_modules/@oven/bun-here/bin/bun"
echo 'npm words on stdout'`,
  );
}

export interface CallOptions {
  env?: Record<string, string>;
  cwd?: string;
  path?: string;
}

/** Starts a command with nothing but `tools` on PATH. */
export function start(place: Place, command: readonly string[], options: CallOptions = {}) {
  const env = { PATH: options.path ?? place.tools, HOME: place.home, ...options.env };
  return Bun.spawn([...command], { cwd: options.cwd ?? place.home, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
}

/** Runs it to its end; `said` is what PROGRAM printed. */
export async function call(place: Place, command: readonly string[], options: CallOptions = {}) {
  const child = start(place, command, options);
  const { stdout, stderr, exit } = await resultOf(child);
  const said = stdout.startsWith("{") ? (JSON.parse(stdout) as Record<string, unknown>) : undefined;
  return { stdout, stderr, exit, said, pid: child.pid };
}

/** A place where all is there. */
export function makeWarm(kind: "checkout" | "package" = "checkout"): Place {
  const place = makePlace(kind);
  mkdirSync(join(place.root, "node_modules/.harbor"), { recursive: true });
  if (kind === "checkout") {
    mkdirSync(join(place.root, "dist"));
    cpSync(join(place.root, "harbor.ts"), join(place.root, "dist/harbor.js"));
  }
  writeFileSync(join(place.root, "node_modules/.harbor/ready"), `${process.execPath}\n${place.root}\n`);
  return place;
}

/** What stands in the launcher's own folder. */
export const left = (place: Place): string[] => readdirSync(join(place.root, "node_modules/.harbor")).sort();
