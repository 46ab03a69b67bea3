#!/usr/bin/env bun
/**
 * `harbor restore`: takes back what `harbor backup` saved, once all of it is verified; asks before anything is replaced.
 *
 *   bun routines/restore.ts ~/webui.tar.gz
 */
import { resolve } from "node:path";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { requireConsent } from "./_script/confirm.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { withLock } from "./_script/lock.ts";
import { log } from "./_script/log.ts";
import { nearest } from "./_script/nearest.ts";
import { runScript } from "./_script/script.ts";
import { workingDirectory } from "./_script/working-directory.ts";
import type { RestorePlan } from "./backup/plan-restore.ts";
import { currentStack } from "./stack/current-stack.ts";
import { findActive } from "./stack/find-active.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { stateOf } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { removeEmptyState } from "./stack/write-stack.ts";
import { checkHandle } from "./workspace/list-handles.ts";

export interface Restored {
  file: string;
  /** ISO 8601: when it was saved. */
  createdAt: string;
  /** Names of the variables that it sets, or would set. */
  config: string[];
  /** The same of secrets. */
  secrets: string[];
  /** Of secrets that were in a keychain when it was saved, and are set nowhere. */
  missing: string[];
  /** `data/webui`, `services/mine`, `env/webui.env`, `aliases.json`. */
  placed: string[];
  /** Of these, what stood there before. */
  replaced: string[];
  isDryRun: boolean;
}

/** Throws `unknown` for a service that is not in it. */
function checkNames(handles: readonly string[], known: readonly string[], file: string): void {
  for (const handle of handles) {
    checkHandle(handle);
    if (known.includes(handle)) continue;
    const guess = nearest(handle, known);
    throw new HarborError(`Cannot restore "${handle}": it is not in ${file}${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
      exit: "unknown",
      hint: `In it: ${known.join(", ")}`,
    });
  }
}

async function refuseRunning(plan: RestorePlan): Promise<void> {
  const stack = currentStack(process.env);
  const active = await findActive({ ...stack, env: process.env, handles: plan.owners });
  if (active.length === 0) return;
  throw new HarborError(`Cannot restore ${active.join(", ")}: it runs`, { hint: `Stop it first: harbor stop ${active.join(" ")}` });
}

/** What would not be there any more. */
function describeLosses({ replaced, changes, secrets }: RestorePlan): string[] {
  return [...replaced.map((it) => `replaces ${it}`), ...[...changes, ...secrets].filter((it) => it.isSet).map((it) => `${it.shown}`)];
}

function noteMissing(missing: readonly string[]): void {
  if (missing.length > 0) note(`not in it, for they were in a keychain: ${missing.join(", ")} (\`harbor secrets set\` sets one)`);
}

function countChanged(what: string, { length }: readonly unknown[]): string[] {
  return length === 0 ? [] : [`${what}: ${length} changed`];
}

export const command = defineCommand({
  meta: {
    name: "restore",
    description: "Take back what `harbor backup` saved, once it is verified",
    examples: [
      "harbor restore harbor-backup-20260131-120000.tar.gz",
      "harbor restore webui.tar.gz webui       That service alone",
      "harbor restore webui.tar.gz --dry-run   Verify it and show what it would do",
    ],
  },
  changes: "done",
  args: {
    file: { type: "positional", description: "What `harbor backup` wrote", required: true },
    handles: { type: "positional", description: "Only these services", multiple: true },
    "dry-run": { type: "boolean", description: "Verify it, show what would be replaced, and change nothing" },
    yes: { type: "boolean", alias: "y", description: "Do not ask" },
    ...jsonArg,
  },
  async run({ args }) {
    const { env } = process;
    const { home, record } = currentStack(env);
    const file = resolve(workingDirectory(), args.file);
    const { workspace } = findStackWorkspace({ home, record });
    const { planRestore, carryOut, verify } = await import("./backup/plan-restore.ts");
    const plan = await planRestore({
      file,
      handles: args.handles,
      home,
      env,
      workspace,
      check: (known) => checkNames(args.handles, known, file),
    });
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const restored: Restored = {
      file,
      createdAt: plan.head.manifest.createdAt,
      config: plan.changes.map(({ name }) => name),
      secrets: plan.secrets.map(({ name }) => name),
      missing: plan.missing,
      placed: plan.placed,
      replaced: plan.replaced,
      isDryRun: args["dry-run"],
    };
    const losses = describeLosses(plan);
    if (args["dry-run"]) {
      await verify(plan, signal);
      const lines = [
        `${file}: whole, saved ${plan.head.manifest.createdAt}`,
        ...plan.placed.filter((it) => !plan.replaced.includes(it)).map((it) => `adds ${it}`),
        ...[...plan.changes, ...plan.secrets].filter((it) => !it.isSet).map((it) => it.shown),
        ...losses,
      ];
      return emit(restored, { json: args.json, render: () => lines.join("\n") });
    }
    await refuseRunning(plan);
    if (losses.length > 0 && !args.yes) {
      for (const line of losses) log().log(`  ${line}`);
      const hint = "Say --yes to do it unasked, --dry-run only to see it";
      requireConsent({ question: "Replace what is there?", hint, json: args.json, refusal: "Nothing was restored" });
    }
    const work = async (): Promise<string[]> => {
      await refuseRunning(plan);
      return carryOut(plan, signal);
    };
    const left = await withLock(stateOf(home).lock, work, { signal, purpose: "harbor restore" }).finally(() => removeEmptyState(home));
    warn(left.map((path) => `What was there before is left at ${path}: some of it belongs to another user`));
    const lines = [...plan.placed, ...countChanged("configuration", plan.changes), ...countChanged("secrets", plan.secrets)];
    emit(restored, { json: args.json, render: () => lines.map((it) => `restored ${it}`).join("\n") });
    if (args.json) return;
    if (lines.length === 0) note("all of it is there already");
    noteMissing(plan.missing);
  },
});

if (import.meta.main) await runScript(command);
