#!/usr/bin/env bun
/**
 * A folder and a requirement → a virtual environment there with the package in it: made with uv, or with venv and pip
 * where uv is not there, and reused while what is asked for stays the same. One call at a time works on a folder; the
 * next completes what a killed one left. A package that refuses the Python is widened from its source.
 *
 *   bun routines/host/make-python-env.ts /tmp/speaches "speaches[ui]==0.8.3" --python 3.11
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { listenForInterrupt } from "../_script/interrupt.ts";
import { withLock } from "../_script/lock.ts";
import { log } from "../_script/log.ts";
import { runScript } from "../_script/script.ts";
import { PythonEnvError } from "./_env-error.ts";
import { type EnvRecord, isReady, type Patched, pythonIn, readRecord, refuseForeign, writeRecord } from "./_env-record.ts";
import { type PythonEnvRequest, type ReadRequest, readRequest } from "./_env-request.ts";
import { asEnvError } from "./_explain-failure.ts";
import { installPackage } from "./_install-package.ts";
import { endLeftovers } from "./_leftovers.ts";
import { createEnv, keepEnv } from "./_provide-env.ts";
import { startLog } from "./_run-tool.ts";

export type { PythonEnvProblem } from "./_env-error.ts";
export { PythonEnvError } from "./_env-error.ts";
export type { Alternative, PythonEnvProgress, PythonEnvRequest, PythonEnvStep } from "./_env-request.ts";

export interface PythonEnv {
  folder: string;
  /** Path of its interpreter. */
  python: string;
  /** Where the package's programs are. */
  bin: string;
  /** Of the interpreter: `3.12.1`. */
  version: string;
  /** What was installed. */
  package: { name: string; version: string };
  /** What made it. */
  installer: "uv" | "pip";
  /** Whether it was all there: nothing was run then. */
  wasReused: boolean;
  /** Packages that refused this Python, and what they ask for now. */
  patched: Patched[];
}

/** Others may be installing gigabytes. */
const LOCK_WAIT_MS = 60 * 60_000;

/** Throws `PythonEnvError`, whose `kind` says which class of failure it is; `usage` (HarborError) for a wrong request. */
export async function makePythonEnv(request: PythonEnvRequest): Promise<PythonEnv> {
  const read = readRequest(request);
  const ready = reuse(read);
  if (ready !== undefined) return ready;
  try {
    return await locked(read, async () => reuse(read) ?? describe(read, await build(read), false));
  } catch (error) {
    throw asEnvError(error);
  }
}

function reuse(request: ReadRequest): PythonEnv | undefined {
  const record = readRecord(request.folder);
  return isReady(request.folder, record, request.asked) ? describe(request, record, true) : undefined;
}

function describe({ folder }: ReadRequest, record: EnvRecord, wasReused: boolean): PythonEnv {
  const { name = "", version = "" } = record.package ?? {};
  return {
    folder,
    python: pythonIn(folder),
    bin: join(folder, "bin"),
    version: record.python?.version ?? "",
    package: { name, version },
    installer: record.installer,
    wasReused,
    patched: record.patched,
  };
}

/** The lock is held. */
async function build(request: ReadRequest): Promise<EnvRecord> {
  const { folder, scratch, temporary, log } = request;
  refuseForeign(folder);
  mkdirSync(scratch, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(scratch)) if (name.startsWith("old-")) rmSync(join(scratch, name), { recursive: true, force: true });
  const count = readRecord(folder)?.step === "installed" ? 0 : await endLeftovers(folder);
  if (count > 0) request.say("create", `ended ${count} processes that a killed call left behind`);
  rmSync(temporary, { recursive: true, force: true });
  startLog(log);
  const kept = await keepEnv(request);
  if (kept !== undefined && isReady(folder, kept.record, request.asked)) {
    // all but its Python is as it was, and of that only the patch: Homebrew puts each into a folder of its own
    writeRecord(folder, kept.record);
    return kept.record;
  }
  try {
    return await installPackage(request, kept ?? (await createEnv(request)));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** A second caller is told who it waits for. */
async function locked<T>(request: ReadRequest, work: () => Promise<T>): Promise<T> {
  const { lock, signal, folder } = request;
  let hasEntered = false;
  const enter = (): Promise<T> => {
    hasEntered = true;
    return work();
  };
  const take = (waitMs: number): Promise<T> =>
    withLock(lock, enter, { waitMs, signal, purpose: `making the Python environment ${folder}` }).catch((error: unknown) => {
      throw hasEntered ? error : asLockError(error);
    });
  try {
    return await take(0);
  } catch (error) {
    if (hasEntered || !(error instanceof PythonEnvError) || error.kind !== "locked") throw error;
    request.say("create", `waiting: ${error.message.replace(/^.*?": /, "")}`);
    return take(LOCK_WAIT_MS);
  }
}

function asLockError(error: unknown): unknown {
  if (!(error instanceof HarborError)) return error;
  const { exit, message, hint = "" } = error;
  if (exit === "interrupted") return new PythonEnvError("interrupted", message, { cause: error });
  return exit === "timeout" ? new PythonEnvError("locked", message, { hint, cause: error }) : error;
}

export const command = defineCommand({
  meta: {
    name: "make-python-env",
    description: "Make or reuse a Python environment, and install a package into it",
    examples: [
      "harbor routine make-python-env ~/envs/speaches 'speaches[ui]==0.8.3'",
      "harbor routine make-python-env ~/envs/speaches speaches --python 3.11 --find-links ./wheels --offline",
    ],
  },
  args: {
    ...jsonArg,
    folder: { type: "positional", description: "Folder of the environment", required: true },
    requirement: { type: "positional", description: "What to install: a name, a path or `name @ URL` (PEP 508)", required: true },
    python: { type: "string", description: "Version, specifier or path of the Python to use" },
    source: { type: "string", description: "Its source, for when it refuses this Python: folder, archive or git URL" },
    "find-links": { type: "string", description: "Folder or page with packages", multiple: true },
    "index-url": { type: "string", description: "Package index, instead of the configured one" },
    with: { type: "string", description: "Further requirements to install with it", multiple: true },
    offline: { type: "boolean", description: "Fetch nothing" },
  },
  async run({ args }) {
    using interrupt = listenForInterrupt();
    const made = await makePythonEnv({
      folder: args.folder ?? "",
      requirement: args.requirement ?? "",
      source: args.source,
      python: args.python,
      index: { url: args["index-url"], links: args["find-links"] },
      extra: args.with,
      isOffline: args.offline,
      env: process.env,
      onProgress: ({ step, text }) => log().log(`${step}: ${text}`),
      signal: interrupt.signal,
    });
    emit(made, { json: args.json, render: renderEnv });
  },
});

function renderEnv(made: PythonEnv): string {
  const head = `${made.package.name} ${made.package.version}\tPython ${made.version}\t${made.installer}\t${made.python}${made.wasReused ? "\treused" : ""}`;
  return [head, ...made.patched.map(({ name, from, to }) => `widened ${name}: requires-python ${from} is now ${to}`)].join("\n");
}

if (import.meta.main) await runScript(command);
