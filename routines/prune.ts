#!/usr/bin/env bun
/**
 * `harbor prune`: removes what nothing uses any more; shows it first and asks.
 *
 *   bun routines/prune.ts --dry-run
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { requireConsent } from "./_script/confirm.ts";
import { emit, emitText } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { withLock } from "./_script/lock.ts";
import { nearest } from "./_script/nearest.ts";
import { printable } from "./_script/printable.ts";
import { runScript } from "./_script/script.ts";
import { formatSize } from "./_script/size.ts";
import { table } from "./_script/table.ts";
import { findHome } from "./config/find-home.ts";
import { findLeftovers } from "./prune/find-leftovers.ts";
import { KINDS, type Kind, type Leftover } from "./prune/leftover.ts";
import { stateOf } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { removeEmptyState } from "./stack/write-stack.ts";

export interface Pruned extends Pick<Leftover, "kind" | "name" | "why" | "bytes"> {
  isRemoved: boolean;
}

function readKinds(words: readonly string[]): Set<Kind> {
  for (const word of words) {
    if ((KINDS as readonly string[]).includes(word)) continue;
    const guess = nearest(word, KINDS);
    throw new HarborError(`Cannot prune "${word}": there is no such kind${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
      exit: "usage",
      hint: `Use one of ${KINDS.join(", ")}`,
    });
  }
  return new Set(words.length === 0 ? KINDS : (words as Kind[]));
}

function render(found: readonly Leftover[]): string {
  const rows = found.map((it) => [it.kind, it.bytes === null ? "-" : formatSize(it.bytes), it.name, it.why]);
  return rows.length === 0 ? "" : table([["WHAT", "SIZE", "NAME", "WHY"], ...rows]).join("\n");
}

/** Layers that images share are counted with each of them. */
function sum(found: readonly Pick<Leftover, "bytes">[]): string {
  return formatSize(found.reduce((total, { bytes }) => total + (bytes ?? 0), 0));
}

/** One that cannot be removed keeps no other; why not is said. */
async function removeAll(found: readonly Leftover[]): Promise<Pruned[]> {
  const pruned: Pruned[] = [];
  for (const { remove, ...leftover } of found) {
    try {
      await remove();
      pruned.push({ ...leftover, isRemoved: true });
    } catch (error) {
      warn([`${leftover.name} stays: ${(error as Error).message}`]);
      pruned.push({ ...leftover, isRemoved: false });
    }
  }
  return pruned;
}

export const command = defineCommand({
  meta: {
    name: "prune",
    description: "Remove what nothing uses any more: containers, networks, images, logs, state, environments; never data",
    examples: ["harbor prune --dry-run", "harbor prune", "harbor prune images logs --yes", "harbor prune --dry-run --json"],
  },
  changes: "tried",
  args: {
    kinds: { type: "positional", description: `Only these: ${KINDS.join(", ")}`, multiple: true, completes: KINDS },
    "dry-run": { type: "boolean", description: "Show it and remove nothing" },
    yes: { type: "boolean", alias: "y", description: "Do not ask" },
    ...jsonArg,
  },
  async run({ args }) {
    const { env } = process;
    const kinds = readKinds(args.kinds);
    const find = (): Promise<Leftover[]> => findLeftovers({ env, kinds, onWarning: (text) => warn([text]) });
    const found = await find();
    const untouched = (them: readonly Leftover[]): Pruned[] => them.map(({ remove: _, ...it }) => ({ ...it, isRemoved: false }));
    if (found.length === 0 && !args.json) return note("there is nothing that could go");
    if (args["dry-run"] || found.length === 0) return emit(untouched(found), { json: args.json, render: () => render(found) });
    if (!args.yes) {
      if (!args.json) emitText(render(found));
      const hint = "Say --yes to remove it unasked, --dry-run only to see it";
      requireConsent({ question: `Remove all of this (${sum(found)})?`, hint, json: args.json, refusal: "Nothing was removed" });
    }
    const home = findHome(env);
    // nobody starts anything meanwhile, and what has begun to be used since stays
    const work = async (): Promise<Pruned[]> => {
      const seen = new Set(found.map(({ kind, name }) => `${kind} ${name}`));
      return removeAll((await find()).filter(({ kind, name }) => seen.has(`${kind} ${name}`)));
    };
    const pruned = await withLock(stateOf(home).lock, work, { purpose: "harbor prune" }).finally(() => removeEmptyState(home));
    const removed = pruned.filter((it) => it.isRemoved);
    emit(pruned, { json: args.json, render: () => removed.map(({ name }) => `removed ${printable(name)}`).join("\n") });
    if (!args.json) note(`${removed.length} removed, ${sum(removed)}`);
    if (removed.length < pruned.length) throw new HarborError("Cannot remove all of it: the warnings say why");
  },
});

if (import.meta.main) await runScript(command);
