#!/usr/bin/env bun
/**
 * `harbor pull`: the images of services, so that the next `harbor up` need not wait for them.
 *
 *   bun routines/pull.ts webui
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { runScript } from "./_script/script.ts";
import { formatSize } from "./_script/size.ts";
import { table } from "./_script/table.ts";
import { makePlan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { findHome } from "./config/find-home.ts";
import { planImages } from "./images/plan-images.ts";
import type { PulledImage } from "./images/pull-images.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { createProgress } from "./stack/progress.ts";
import { readStack } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { whatRuns } from "./stack/what-runs.ts";

const WORDS: Record<PulledImage["state"], string> = {
  pulled: "pulled",
  updated: "updated",
  current: "up to date",
  built: "built here: harbor build",
  failed: "failed",
};

function render(pulled: readonly PulledImage[]): string {
  const rows = pulled.map((it) => [
    it.service,
    it.image,
    it.bytes === null ? "-" : formatSize(it.bytes),
    [WORDS[it.state], it.change ?? []].flat().join(": "),
  ]);
  return rows.length === 0 ? "" : table([["SERVICE", "IMAGE", "SIZE", "STATE"], ...rows]).join("\n");
}

/** A model's name is what people type here too. */
function refuseModel(names: readonly string[]): void {
  const model = names.find((name) => /[/:]/.test(name));
  if (model === undefined) return;
  throw new HarborError(`Cannot pull "${model}": it is no service`, { exit: "usage", hint: `For a model: harbor models pull ${model}` });
}

export const command = defineCommand({
  meta: {
    name: "pull",
    description: "Pull the images of services: of those named, else of all that `harbor up` would start",
    examples: ["harbor pull", "harbor pull webui searxng", "harbor pull -c ollama nvidia", "harbor pull webui --json"],
  },
  changes: "tried",
  args: { ...selectionArgs, ...jsonArg },
  async run({ args }) {
    const { env } = process;
    refuseModel(args.names);
    const home = findHome(env);
    const record = readStack(home);
    const { workspace } = findStackWorkspace({ home, record, directory: args.workspace });
    const made = await makePlan({ args, env, workspace, running: whatRuns(record), sealed: true });
    warn(made.selection.warnings);
    const { asked } = made.selection;
    const handles = asked === "*" || asked.size === 0 ? undefined : asked;
    const images = planImages({ made, handles });
    for (const { handle } of made.plan.natives) {
      if (handles?.has(handle)) note(`${handle} runs natively: it has no image (\`harbor pull -c ${handle}\` pulls its container's)`);
    }
    if (images.length === 0) {
      if (handles === undefined && !args.json) note("nothing of it runs in a container: there is no image to pull");
      return emit([], { json: args.json, render: () => "" });
    }
    using interrupt = listenForInterrupt();
    const [{ connectEngine }, { pullImages }] = await Promise.all([
      import("./engine/connect-engine.ts"),
      import("./images/pull-images.ts"),
    ]);
    const { signal } = interrupt;
    const engine = await connectEngine({ env, home, signal });
    const pulled = await pullImages({ made, images, env, engine, signal, progress: createProgress(args.json) });
    const changed = [...new Set(pulled.filter((it) => it.state === "updated").map((it) => it.handle))];
    const stale = changed.filter((handle) => record?.services.includes(handle));
    if (stale.length > 0) note(`up with an older image: ${stale.join(", ")}; the next \`harbor up\` starts them anew`);
    emit(pulled, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
