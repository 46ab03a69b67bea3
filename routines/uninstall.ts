#!/usr/bin/env bun
/**
 * `harbor uninstall`: takes back all that Harbor has put onto this machine; shows it first and asks. Data stays unless asked for.
 *
 *   bun routines/uninstall.ts
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { confirm, requireConsent } from "./_script/confirm.ts";
import { emit, emitText } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { printable } from "./_script/printable.ts";
import { runScript } from "./_script/script.ts";
import { formatSize } from "./_script/size.ts";
import { table } from "./_script/table.ts";
import { readInstallation } from "./host/read-installation.ts";
import { createProgress } from "./stack/progress.ts";
import { note } from "./stack/say.ts";
import type { Part, Parts, RemovedParts } from "./uninstall/find-parts.ts";

export interface Uninstalled {
  removed: string[];
  /** What stays, and why. */
  kept: { name: string; why: string }[];
  /** The command line that takes the program itself away. */
  program: string;
}

function render(parts: readonly Part[]): string {
  if (parts.length === 0) return "";
  const rows = parts.map((it) => [it.name, it.bytes === null ? "-" : formatSize(it.bytes), it.what]);
  return table([["WHAT", "SIZE", "HOLDS"], ...rows]).join("\n");
}

/** Without a word about it, data stays. */
function choosesData(args: { yes: boolean; "keep-data": boolean; "remove-data": boolean }, data: readonly Part[]): boolean {
  if (args["remove-data"]) return true;
  if (args.yes || args["keep-data"] || data.length === 0) return false;
  emitText(`\nYours:\n${render(data)}`);
  return confirm("Remove this as well? It cannot be had again", "");
}

export const command = defineCommand({
  meta: {
    name: "uninstall",
    description: "Take back all that Harbor has put onto this machine: what runs, containers, autostart, state; data only when asked for",
    examples: [
      "harbor uninstall                      Shows it, and asks",
      "harbor uninstall --dry-run",
      "harbor uninstall --yes --keep-data",
      "harbor uninstall --yes --remove-data  With configuration, secrets and data",
    ],
  },
  // the history goes as well: nothing may be noted after that
  args: {
    yes: { type: "boolean", alias: "y", description: "Do not ask; data stays unless --remove-data" },
    "keep-data": { type: "boolean", description: "Leave configuration, secrets and data, without asking about them" },
    "remove-data": { type: "boolean", description: "Remove configuration, secrets and data as well" },
    "dry-run": { type: "boolean", description: "Show it and remove nothing" },
    ...jsonArg,
  },
  async run({ args }) {
    const { env } = process;
    if (args["keep-data"] && args["remove-data"]) {
      throw new HarborError("Cannot both keep and remove data", { exit: "usage", hint: "Say one of --keep-data and --remove-data" });
    }
    const { findParts, removeParts } = await import("./uninstall/find-parts.ts");
    const found = await findParts(env);
    const shown = args["remove-data"] ? [...found.own, ...found.data] : found.own;
    if (args["dry-run"]) {
      const planned = resultOf(found, args["remove-data"], { removed: shown.map(({ name }) => name), failed: [] });
      return emit(planned, { json: args.json, render: () => render(shown) });
    }
    if (!args.yes) ask(shown, args.json);
    const isData = choosesData(args, found.data);
    const parts = isData ? [...found.own, ...found.data] : found.own;
    const done = await removeParts({ parts, env, progress: createProgress(args.json) });
    const result = resultOf(found, isData, done);
    emit(result, { json: args.json, render: (it) => it.removed.map((name) => `removed ${printable(name)}`).join("\n") });
    if (!args.json) sayWhatIsLeft(result);
    if (done.failed.length > 0) throw new HarborError("Cannot remove all of it", { hint: "What stays is named above, and why" });
  },
});

function ask(shown: readonly Part[], json: boolean): void {
  if (shown.length > 0 && !json) emitText(render(shown));
  const question = shown.length === 0 ? "There is nothing but data. Go on?" : "Remove all of this?";
  const hint = "Say --yes to do it unasked, --dry-run only to see it";
  requireConsent({ question, hint, json, refusal: "Nothing was removed" });
}

function resultOf({ data, others }: Parts, isData: boolean, { removed, failed }: RemovedParts): Uninstalled {
  const left = [...(isData ? [] : data), ...others].map(({ name, what }) => ({ name, why: what }));
  return { removed, kept: [...failed, ...left], program: readInstallation().remove };
}

function sayWhatIsLeft({ kept, program }: Uninstalled): void {
  for (const { name, why } of kept) note(`${name} stays: ${why}`);
  note(`the program itself goes with: ${program}`);
}

if (import.meta.main) await runScript(command);
