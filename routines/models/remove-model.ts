#!/usr/bin/env bun
/**
 * `harbor models rm`: models go, with all that nothing else uses. What a running service has loaded stays unless it is forced; the user's
 * own caches are not touched unless they are named.
 *
 *   bun routines/models/remove-model.ts llama3.2:1b --yes
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { formatSize } from "../_script/size.ts";
import { note, warn } from "../stack/say.ts";
import { ask, canAsk } from "./_ask.ts";
import { findKnown } from "./_find-known.ts";
import { OllamaClient } from "./_ollama-client.ts";
import { refreshService } from "./_refresh-service.ts";
import { freedBy, removeFromDisk } from "./_remove-files.ts";
import { type Inventory, type KnownModel, listModels } from "./list-models.ts";

/** As `--json` prints it. */
export interface RemovedModel {
  name: string;
  store: string;
  /** What other models use as well has stayed. */
  freedBytes: number;
}

interface Removal {
  model: KnownModel;
  freedBytes: number;
}

/** Those meant, each with what it frees: of what two of them share, the last one. */
function planRemovals(names: readonly string[], inventory: Inventory, store: string | undefined): Removal[] {
  const chosen: KnownModel[] = [];
  for (const name of names) {
    const model = findKnown(name, { models: inventory.models, stores: inventory.stores, store, doing: "remove" });
    if (!chosen.includes(model)) chosen.push(model);
  }
  return chosen.map((model, index) => {
    const rest = inventory.models.filter((other) => !chosen.slice(0, index + 1).includes(other));
    return {
      model,
      freedBytes: freedBy(
        model.stored,
        rest.map(({ stored }) => stored),
      ),
    };
  });
}

/** Throws for what may not go. */
function checkRemovals(removals: readonly Removal[], { force, store }: { force: boolean; store: string | undefined }): void {
  for (const { model } of removals) {
    const { name, store: where, service, isLoaded } = model.listed;
    if (service === null && store === undefined) {
      throw new HarborError(`Cannot remove model "${name}": it is in ${where}, a cache of your own`, {
        hint: `If you mean that one: harbor models rm ${name} --store ${where}`,
      });
    }
    if (isLoaded && !force) {
      throw new HarborError(`Cannot remove model "${name}": ${service} has it loaded`, {
        hint: `It is unloaded after a while without use, or by \`harbor restart ${service}\`; --force removes it all the same`,
      });
    }
  }
}

/** Throws `usage` where nobody can be asked, `failed` for a no. */
function confirm(removals: readonly Removal[]): void {
  const lines = removals.map(
    ({ model: { listed }, freedBytes }) => `${listed.name} from ${listed.store}, which frees ${formatSize(freedBytes)}`,
  );
  if (!canAsk()) {
    throw new HarborError(`Cannot remove ${lines.length === 1 ? `"${removals[0]?.model.listed.name}"` : "these"}: there is nobody to ask`, {
      exit: "usage",
      details: lines,
      hint: "Say --yes",
    });
  }
  for (const line of lines.slice(0, -1)) note(line);
  if (!ask(`Remove ${lines.at(-1)}?`)) throw new HarborError("Nothing is removed: the answer was no");
}

async function remove({ model }: Removal, { answering, running }: Inventory, others: readonly KnownModel[]): Promise<void> {
  const { listed, stored, place, store } = model;
  const service = store.service;
  const url = service === undefined || !answering.has(service) ? undefined : running.get(service)?.url;
  if (place.layout === "ollama" && url !== undefined) return await new OllamaClient(url).remove(listed.name);
  await removeFromDisk({ stored, place, others: others.map((other) => other.stored) });
}

export const command = defineCommand({
  meta: {
    name: "remove-model",
    description: "Remove models, and all that nothing else uses",
    examples: [
      "harbor models rm llama3.2:1b",
      "harbor models rm ggml-org/gemma-3-1b-it-GGUF:Q4_K_M --yes",
      "harbor models rm Qwen/Qwen3-0.6B --store user:hf",
    ],
  },
  changes: "tried",
  args: {
    models: { type: "positional", description: "Their names, as `harbor models ls` shows them", required: true, multiple: true },
    store: { type: "string", alias: "s", description: "The store that is meant; the only way to reach one of your own", valueHint: "S" },
    yes: { type: "boolean", alias: "y", description: "Do not ask" },
    force: { type: "boolean", description: "Also what a running service has loaded" },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  async run({ args }) {
    const inventory = await listModels({ env: process.env, directory: args.workspace });
    warn(inventory.warnings);
    const removals = planRemovals(args.models, inventory, args.store);
    checkRemovals(removals, args);
    if (!args.yes) confirm(removals);
    const removed: RemovedModel[] = [];
    const left = new Set(inventory.models);
    for (const removal of removals) {
      left.delete(removal.model);
      await remove(removal, inventory, [...left]);
      const { name, store } = removal.model.listed;
      removed.push({ name, store, freedBytes: removal.freedBytes });
      const said = await refreshService(inventory.stores, inventory.running, { store });
      if (!args.json) note(`removed ${name} from ${store}: ${formatSize(removal.freedBytes)} are free${said}`);
    }
    if (args.json) emit(removed, { json: true, render: String });
  },
});

if (import.meta.main) await runScript(command);
