#!/usr/bin/env bun
/**
 * `harbor eject`: a selection as one compose file that runs without Harbor.
 *
 *   bun routines/eject.ts ollama webui > compose.yml
 */
import { dirname, resolve as resolvePath } from "node:path";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { ejectModel, type FillTextOptions, fillText } from "./compose/eject-model.ts";
import { formatCompose } from "./compose/format-compose.ts";
import { escapeDollars } from "./compose/interpolate.ts";
import { type MadePlan, makePlan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { secretTest } from "./config/read-declarations.ts";
import type { Contract } from "./native/read-contract.ts";
import { addressOf, NATIVE_ADDRESS, type NativeSpec } from "./native/resolve-contract.ts";
import { warn } from "./stack/say.ts";

/** Comment lines at the head of the file: what it was made from, what must be set or started first. */
function head(made: MadePlan, secrets: readonly string[], options: Secrets): string {
  const { plan, selection } = made;
  const lines = [`Made by \`harbor eject\` from: ${plan.services.map((service) => service.handle).join(", ")}`];
  if (secrets.length > 0) lines.push(`Set these before it starts: ${secrets.join(", ")}`);
  for (const native of plan.natives) {
    const contract = selection.contracts.get(native.handle);
    if (contract === undefined) continue;
    lines.push(
      `Start on the host${listeningOn(native)}: ${startLine(native, contract, { values: valuesFor(native, made), ...options }, made)}`,
    );
  }
  const flat = selection.workspace.layers.find((layer) => layer.kind === "flat");
  if (flat !== undefined) lines.push(`Relative paths mean ${flat.root}: docker compose --project-directory ${flat.root} -f … up`);
  return lines.map((line) => `# ${line.replaceAll("\n", " ")}\n`).join("");
}

/** The configuration as its contract sees it. */
function valuesFor(native: NativeSpec, { values }: MadePlan): MadePlan["values"] {
  return values.with("harbor", new Map([[NATIVE_ADDRESS, addressOf(native)]]));
}

function listeningOn(native: NativeSpec): string {
  return native.port === undefined ? "" : `, listening on ${addressOf(native)}:${native.port}`;
}

type Secrets = Pick<FillTextOptions, "resolve" | "isSecret">;

/** As a person types it into a shell: from the contract, for what is filled in already may hold a secret. */
function startLine(native: NativeSpec, contract: Contract, options: FillTextOptions, made: MadePlan): string {
  const fill = (text: string): string => fillText(text, options);
  const executable = fill(contract.executable);
  const program = executable.includes("/") ? resolvePath(dirname(contract.path), executable) : executable;
  // one text is split into words by its own quotes
  const args =
    typeof contract.args === "string" ? [unescapeDollars(fill(contract.args)).trim()] : contract.args.map((word) => quote(fill(word)));
  const passed = contract.envVars.filter((name) => options.values.get(name) !== undefined);
  const env = { ...contract.env, ...Object.fromEntries(passed.map((name) => [name, `\${${name}}`])), ...usersOwn(native, options, made) };
  const settings = Object.entries(env).map(([name, text]) => `${name}=${quote(fill(text))}`);
  return ["cd", quote(native.cwd), "&&", ...settings, quote(program), ...args].join(" ").trimEnd();
}

/** What the user gives this service alone; a secret is for the shell to know. */
function usersOwn({ handle }: NativeSpec, { resolve, isSecret }: FillTextOptions, { ownVariables }: MadePlan): Record<string, string> {
  const entries = [...(ownVariables.get(handle)?.values ?? [])];
  const open = (name: string): boolean => !resolve && isSecret?.(name) === true;
  return Object.fromEntries(entries.map(([name, value]) => [name, open(name) ? `\${${name}}` : escapeDollars(value)]));
}

/** For a POSIX shell; what is left open is filled in by it. */
function quote(filled: string): string {
  if (/^[\w@%+=:,./-]+$/.test(filled)) return filled;
  return `"${unescapeDollars(filled.replace(/[\\"`]/g, "\\$&"))}"`;
}

/** A dollar that is meant as one: `$$` to compose, `\$` to a shell. */
function unescapeDollars(text: string): string {
  return text.replaceAll("$$", "\\$$");
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
    const made = await makePlan({ args, env: process.env, sealed: !args.resolve });
    const { plan, values, selection } = made;
    if (Object.keys(plan.compose.services as object).length === 0) {
      throw new HarborError("Cannot eject: everything selected runs natively, so there is no container to write down", {
        hint: "Name services that run in containers, as in `harbor eject ollama webui`",
      });
    }
    const options: Secrets = { resolve: args.resolve, isSecret: secretTest(selection.files) };
    const { model, secrets } = ejectModel({ model: plan.compose, values, ...options });
    warn(selection.warnings);
    if (secrets.length > 0) warn([`Left open for you to set: ${secrets.join(", ")} (--resolve fills them in)`]);
    emit(model, { json: args.json, render: (it) => `${head(made, secrets, options)}${formatCompose(it)}` });
  },
});

if (import.meta.main) await runScript(command);
