#!/usr/bin/env bun
/**
 * `harbor update`: newer images of services under the names that they have, and how Harbor itself is brought up to date.
 *
 *   bun routines/update.ts --check
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { type MadePlan, makePlan } from "./compose/make-plan.ts";
import type { SelectionArgs } from "./compose/selection-args.ts";
import { findHome } from "./config/find-home.ts";
import { readValues } from "./config/read-values.ts";
import { type Installation, readInstallation } from "./host/read-installation.ts";
import type { CheckedImage } from "./images/check-images.ts";
import { planImages } from "./images/plan-images.ts";
import type { PulledImage } from "./images/pull-images.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { createProgress } from "./stack/progress.ts";
import { readStack, type StackRecord } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { whatRuns } from "./stack/what-runs.ts";
import type { Workspace } from "./workspace/find-workspace.ts";

export interface NativeProgram {
  handle: string;
  /** As its contract says; null where it says nothing. */
  install: string | null;
}

export interface Update {
  images: (PulledImage | CheckedImage)[];
  /** Their programs are the user's own to update. */
  natives: NativeProgram[];
  /** Up with an older image: the next `harbor up` starts them anew. */
  stale: string[];
  harbor: Installation;
}

/** What is up and what is to start by itself; undefined where neither is anything. */
async function planAsked(handles: string[], workspace: Workspace, record: StackRecord | undefined): Promise<MadePlan | undefined> {
  const { env } = process;
  const running = whatRuns(record);
  const defaults = readValues({ workspace, env }).list("HARBOR_SERVICES_DEFAULT");
  if (handles.length + (running?.services.length ?? 0) + defaults.length === 0) return undefined;
  const args: SelectionArgs = {
    names: handles,
    exclude: [],
    container: [],
    native: false,
    capability: [],
    "no-defaults": handles.length > 0,
    workspace: undefined,
  };
  return makePlan({ args, env, workspace, running, sealed: true });
}

interface Looked {
  images: Update["images"];
  stale: string[];
}

/** Asks registries, and unless it only checks, pulls what is newer. */
async function look(made: MadePlan, handles: ReadonlySet<string> | undefined, isCheck: boolean, isQuiet: boolean): Promise<Looked> {
  const images = planImages({ made, handles });
  if (images.length === 0) return { images: [], stale: [] };
  const [{ connectEngine }, { checkImages }, { pullImages }, { findStale }] = await Promise.all([
    import("./engine/connect-engine.ts"),
    import("./images/check-images.ts"),
    import("./images/pull-images.ts"),
    import("./images/find-stale.ts"),
  ]);
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  const { env } = process;
  const { project, workspace } = made.plan;
  const engine = await connectEngine({ env, home: workspace.home, signal });
  const found = isCheck
    ? await checkImages({ images, engine, signal })
    : await pullImages({ made, images, env, engine, signal, progress: createProgress(isQuiet), keepsGoing: true });
  return { images: found, stale: await findStale({ engine, project, images, signal }) };
}

const WORDS: Record<Update["images"][number]["state"], string> = {
  pulled: "pulled",
  updated: "updated",
  current: "up to date",
  newer: "there is another one",
  absent: "not here yet",
  built: "built here: harbor build",
  unknown: "cannot tell",
  failed: "failed",
};

function render({ images, natives, harbor }: Update): string {
  const rows = images.map((it) => [
    it.service,
    it.image,
    it.pin?.key ?? "-",
    [WORDS[it.state], it.why ?? ("change" in it ? it.change : null) ?? []].flat().join(": "),
  ]);
  const lines = rows.length === 0 ? [] : [...table([["SERVICE", "IMAGE", "VERSION IS", "STATE"], ...rows]), ""];
  for (const { handle, install } of natives)
    lines.push(`${handle} runs natively: its program is yours to update${install === null ? "" : ` (${install})`}`);
  const how = harbor.update === null ? "replace it by a newer one" : harbor.update;
  return [...lines, `harbor ${harbor.version}, ${harbor.how} (${harbor.root})`, `  to update it: ${how}`].join("\n");
}

function sayWhatElse({ images, stale }: Update, isCheck: boolean): void {
  const has = (state: string): boolean => images.some((it) => it.state === state);
  if (isCheck && has("newer")) note("`harbor update` pulls them");
  if (stale.length > 0) note(`up with an older image: ${stale.join(", ")}; the next \`harbor up\` starts them anew`);
  if (images.some((it) => it.pin !== undefined)) {
    note("a newer version of a service is another tag, which `harbor config set <key> <tag>` asks for");
  }
}

export const command = defineCommand({
  meta: {
    name: "update",
    description: "Pull newer images of services under the tags they have; say how to update Harbor itself",
    examples: [
      "harbor update                Of all that is up, and of the default services",
      "harbor update --check        Ask the registries, pull nothing",
      "harbor update webui --json",
    ],
  },
  changes: ({ check }) => (check === true ? undefined : "tried"),
  args: {
    handles: { type: "positional", description: "Only these services", multiple: true },
    check: { type: "boolean", description: "Only say what is newer" },
    ...jsonArg,
  },
  async run({ args }) {
    const home = findHome(process.env);
    const record = readStack(home);
    const { workspace } = findStackWorkspace({ home, record });
    const made = await planAsked(args.handles, workspace, record);
    warn(made?.selection.warnings ?? []);
    const handles = args.handles.length === 0 || args.handles.includes("*") ? undefined : new Set(args.handles);
    const found = made === undefined ? { images: [], stale: [] } : await look(made, handles, args.check, args.json);
    const natives = (made?.plan.natives ?? []).filter(({ handle }) => handles?.has(handle) ?? true);
    const programs = natives.map(({ handle, install }) => ({
      handle,
      install: install[process.platform]?.trim() ?? install.any?.trim() ?? null,
    }));
    const update: Update = { ...found, natives: programs, harbor: readInstallation() };
    emit(update, { json: args.json, render });
    if (!args.json) sayWhatElse(update, args.check);
    const failed = update.images.filter((it) => it.state === "failed");
    if (failed.length > 0) throw updateFailure(failed.map(({ image }) => image));
  },
});

function updateFailure(images: readonly string[]): HarborError {
  return new HarborError(`Cannot update ${images.join(", ")}`, { hint: "What is up goes on with the images that it has" });
}

if (import.meta.main) await runScript(command);
