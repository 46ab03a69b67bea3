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
import { ejectModel } from "./compose/eject-model.ts";
import { formatCompose } from "./compose/format-compose.ts";
import { makePlan, type Plan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { warn } from "./stack/say.ts";

/** Comment lines at the head of the file: what it was made from, what must be set or started first. */
function head(plan: Plan, secrets: readonly string[]): string {
  const lines = [`Made by \`harbor eject\` from: ${plan.services.map((service) => service.handle).join(", ")}`];
  if (secrets.length > 0) lines.push(`Set these before it starts: ${secrets.join(", ")}`);
  for (const native of plan.natives) lines.push(`Start on the host, listening on 127.0.0.1:${native.port}: ${native.argv.join(" ")}`);
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
    const { plan, values, selection } = await makePlan({ args, env: process.env });
    if (Object.keys(plan.compose.services as object).length === 0) {
      throw new HarborError("Cannot eject: everything selected runs natively, so there is no container to write down", {
        hint: "Leave -x and -n out to eject the containers",
      });
    }
    const { model, secrets } = ejectModel({ model: plan.compose, values, resolve: args.resolve });
    warn(selection.warnings);
    if (secrets.length > 0) warn([`Left open for you to set: ${secrets.join(", ")} (--resolve fills them in)`]);
    emit(model, { json: args.json, render: (it) => `${head(plan, secrets)}${formatCompose(it)}` });
  },
});

if (import.meta.main) await runScript(command);
