#!/usr/bin/env bun
/**
 * `harbor backup`: configuration, secrets and data of services in one archive, which `harbor restore` verifies and takes back.
 *
 *   bun routines/backup.ts webui --to ~/webui.tar.gz
 */
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { withLock } from "./_script/lock.ts";
import { quoteWord } from "./_script/quote-word.ts";
import { runScript } from "./_script/script.ts";
import { formatSize } from "./_script/size.ts";
import { workingDirectory } from "./_script/working-directory.ts";
import type { Collected } from "./backup/collect-backup.ts";
import type { WrittenBackup } from "./backup/write-backup.ts";
import { readValues } from "./config/read-values.ts";
import { controlStack } from "./stack/control-stack.ts";
import { currentStack } from "./stack/current-stack.ts";
import { findActive } from "./stack/find-active.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { createProgress, type Progress } from "./stack/progress.ts";
import { stateOf } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { removeEmptyState } from "./stack/write-stack.ts";

export interface Backup {
  file: string;
  /** Of the archive. */
  bytes: number;
  config: string[];
  secrets: string[];
  /** Names of secrets that are in the system's keychain, and not in it. */
  inKeychain: string[];
  home: string[];
  profiles: string[];
  env: string[];
  services: string[];
  data: string[];
  files: number;
  contentBytes: number;
  leftOut: string[];
}

/** Throws before anything is stopped for it. */
function chooseFile(to: string | undefined): string {
  const file = nameFile(to);
  const folder = dirname(file);
  if (existsSync(file)) throw new HarborError(`Cannot write "${file}": it is there already`, { hint: "Name another file with --to" });
  if (existsSync(folder)) return file;
  throw new HarborError(`Cannot write "${file}": there is no such folder`, { hint: `mkdir -p ${quoteWord(folder)}` });
}

/** One that says when, in the folder that is given or the one we are in. */
function nameFile(to: string | undefined): string {
  const stamp = new Date().toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  const name = `harbor-backup-${stamp}.tar.gz`;
  if (to === undefined) return join(workingDirectory(), name);
  const path = resolve(workingDirectory(), to.replace(/^~(?=\/)/, process.env.HOME ?? "~"));
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return join(path, name);
  if (/\.(?:tar|tar\.gz|tgz)$/.test(path)) return path;
  throw new HarborError(`Cannot write "${to}": it is neither a folder nor the name of a tar archive`, {
    exit: "usage",
    hint: "Name it like webui.tar.gz, or webui.tar for one that is not compressed",
  });
}

interface Work {
  handles: readonly string[];
  file: string;
  stops: boolean;
  signal: AbortSignal;
  progress: Progress;
}

/** What writes to the data meanwhile would be half in it: refused, or stopped for as long as it takes. */
async function makeBackup({ handles, file, stops, signal, progress }: Work): Promise<WrittenBackup> {
  const { env } = process;
  const [{ collectBackup }, { writeBackup }] = await Promise.all([
    import("./backup/collect-backup.ts"),
    import("./backup/write-backup.ts"),
  ]);
  const stack = currentStack(env);
  const { home, record } = stack;
  const { workspace } = findStackWorkspace({ home, record });
  const collected = collectBackup({ workspace, values: readValues({ workspace, env }), handles });
  warn(collected.warnings);
  refuseNothing(collected, handles);
  const active = await findActive({ ...stack, env, handles: collected.data.map(({ handle }) => handle) });
  if (active.length > 0 && !stops) {
    throw new HarborError(`Cannot back up ${active.join(", ")}: what runs goes on writing`, {
      hint: `Say --stop to stop it meanwhile, or stop it first: harbor stop ${active.join(" ")}`,
    });
  }
  const control = (action: "stop" | "restart"): Promise<unknown> =>
    // once stopped they are started again, whatever has interrupted us
    controlStack({ ...stack, action, env, handles: active, signal: action === "stop" ? signal : new AbortController().signal, progress });
  if (active.length === 0) return writeBackup({ collected, home, file, signal });
  try {
    await control("stop");
    return await writeBackup({ collected, home, file, signal });
  } finally {
    await control("restart");
  }
}

function refuseNothing({ config, secrets, home, profiles, env, services, data }: Collected, handles: readonly string[]): void {
  if ([config.names, secrets.names, home, profiles, env, services, data].some((them) => them.length > 0)) return;
  const whose = handles.length === 0 ? "" : ` of ${handles.join(", ")}`;
  throw new HarborError(`Cannot back up${whose}: there is neither configuration nor data`);
}

function render({ file, bytes, config, secrets, home, profiles, env, services, data, files, contentBytes }: Backup): string {
  const of = (what: string, names: readonly string[]): string[] => (names.length === 0 ? [] : [`  ${what}: ${names.join(", ")}`]);
  const count = (what: string, { length }: readonly string[]): string[] =>
    length === 0 ? [] : [`  ${what}: ${length} ${length === 1 ? "value" : "values"}`];
  const head = `${file} (${formatSize(bytes)}; ${files} files, ${formatSize(contentBytes)})`;
  const values = [...count("configuration", config), ...count("secrets", secrets)];
  const folders = [...of("profiles", profiles), ...of("variables", env), ...of("services", services), ...of("data", data)];
  return [head, ...values, ...of("files", home), ...folders].join("\n");
}

export const command = defineCommand({
  meta: {
    name: "backup",
    description: "Save configuration, secrets and data of services in one archive",
    examples: [
      "harbor backup                           All of it, into the folder you are in",
      "harbor backup webui --to ~/webui.tar.gz",
      "harbor backup --stop --to /mnt/backups  What runs is stopped meanwhile",
    ],
  },
  changes: "done",
  args: {
    handles: { type: "positional", description: "Only these services", multiple: true },
    to: {
      type: "string",
      description: "Into this folder, or this file: .tar.gz, or .tar for one that is not compressed",
      valueHint: "FILE",
    },
    stop: { type: "boolean", description: "Stop services that run, and start them again afterwards" },
    ...jsonArg,
  },
  async run({ args }) {
    const { home } = currentStack(process.env);
    const file = chooseFile(args.to);
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const work = (): Promise<WrittenBackup> =>
      makeBackup({ handles: args.handles, file, stops: args.stop, signal, progress: createProgress(args.json) });
    const written = await withLock(stateOf(home).lock, work, { signal, purpose: "harbor backup" }).finally(() => removeEmptyState(home));
    const { manifest, files, contentBytes, leftOut, bytes } = written;
    const { config, secrets, inKeychain, home: whole, profiles, env, services, data } = manifest;
    const names = { config, secrets, inKeychain, home: whole, profiles, env, services, data };
    emit({ file, bytes, ...names, files, contentBytes, leftOut }, { json: args.json, render });
    if (args.json) return;
    if (leftOut.length > 0) note(`left out: ${leftOut.join(", ")} (no file, or made anew by itself)`);
    note("it may hold secrets: only you can read it (mode 0600)");
  },
});

if (import.meta.main) await runScript(command);
