#!/usr/bin/env bun
/**
 * `harbor eject`: a selection as one compose file that runs without Harbor.
 *
 *   bun routines/eject.ts ollama webui > compose.yml
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { ejectModel, fillText } from "./compose/eject-model.ts";
import { formatCompose } from "./compose/format-compose.ts";
import { type MadePlan, makePlan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { warn } from "./stack/say.ts";

/** Comment lines at the head of the file: what it was made from, what must be set or started first. */
function head({ plan, selection, values }: MadePlan, secrets: readonly string[], resolve: boolean): string {
  const lines = [`Made by \`harbor eject\` from: ${plan.services.map((service) => service.handle).join(", ")}`];
  if (secrets.length > 0) lines.push(`Set these before it starts: ${secrets.join(", ")}`);
  for (const native of plan.natives) {
    const contract = selection.contracts.get(native.handle);
    const args = contract === undefined ? [] : [contract.args].flat();
    // as the contract has them: what is filled in may hold a secret
    const words = [contract?.executable ?? native.handle, ...args].map((word) => fillText(word, { values, resolve }));
    lines.push(`Start on the host, listening on 127.0.0.1:${native.port}: ${words.join(" ")}`);
  }
  const flat = selection.workspace.layers.find((layer) => layer.kind === "flat");
  if (flat !== undefined) lines.push(`Relative paths mean ${flat.root}: docker compose --project-directory ${flat.root} -f … up`);
  return lines.map((line) => `# ${line.replaceAll("\n", " ")}\n`).join("");
}

export const command = defineCommand({
  meta: {
    name: "eject",
    description: "Print a selection as one compose file that runs without Harbor",
    examples: ["harbor eject ollama webui > compose.yml", "harbor eject --resolve litellm webui"],
  },
  args: {
    ...selectionArgs,
    resolve: { type: "boolean", description: "Fill secrets in, too, instead of leaving them as ${NAME}" },
    ...jsonArg,
  },
  async run({ args }) {
    const made = await makePlan({ args, env: process.env });
    const { plan, values, selection } = made;
    if (Object.keys(plan.compose.services as object).length === 0) {
      throw new HarborError("Cannot eject: everything selected runs natively, so there is no container to write down", {
        hint: "Name services that run in containers, as in `harbor eject ollama webui`",
      });
    }
    const { model, secrets } = ejectModel({ model: plan.compose, values, resolve: args.resolve });
    warn(selection.warnings);
    if (secrets.length > 0) warn([`Left open for you to set: ${secrets.join(", ")} (--resolve fills them in)`]);
    emit(model, { json: args.json, render: (it) => `${head(made, secrets, args.resolve)}${formatCompose(it)}` });
  },
});

if (import.meta.main) await runScript(command);
