#!/usr/bin/env bun
/**
 * `harbor plan`: what would run, on what, and with `--explain` for each file why it is in or out.
 *
 *   bun routines/plan.ts -x ollama webui --explain
 */
import { relative } from "node:path";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { workingDirectory } from "./_script/working-directory.ts";
import { makePlan, type Plan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { warn } from "./stack/say.ts";

/** The plan as a person reads it. */
export function renderPlan(plan: Plan, options: { explain: boolean; cwd: string }): string {
  const rows = plan.services.map((service) => [service.handle, service.runtime, service.urls[0] ?? "-", service.runs]);
  const natives = plan.natives.length;
  const count = `${plan.services.length} ${plan.services.length === 1 ? "service" : "services"}`;
  const lines = [
    `${plan.project}: ${count}, ${natives} native, capabilities: ${plan.capabilities.join(", ") || "none"}`,
    "",
    ...table(rows),
    "",
  ];
  if (options.explain) lines.push(...plan.services.map((it) => `${it.handle} ${it.runtime}: ${it.because}`), "");
  const files = options.explain ? plan.files : plan.files.filter((file) => file.included);
  const short = (path: string): string => (relative(options.cwd, path).startsWith("..") ? path : relative(options.cwd, path));
  if (!options.explain) return [...lines, ...files.map((file) => short(file.path))].join("\n");
  const explained = files.map((file) => [file.included ? "+" : "-", file.kind, short(file.path), file.reason]);
  return [...lines, ...table(explained)].join("\n");
}

export const command = defineCommand({
  meta: {
    name: "plan",
    description: "Show what a selection would run, and why; up --dry-run adds what runs already",
    examples: ["harbor plan -x ollama webui", "harbor plan --explain webui nvidia", "harbor plan -c ollama", "harbor plan --json '*'"],
  },
  args: {
    ...selectionArgs,
    explain: { type: "boolean", description: "Why each service runs on what it does, and every file, in or out, with the reason" },
    "show-secrets": { type: "boolean", description: "With --json: also the values of keys, tokens and passwords" },
    ...jsonArg,
  },
  async run({ args }) {
    const made = await makePlan({ args, env: process.env, sealed: !(args.json && args["show-secrets"]) });
    warn(made.selection.warnings);
    // a person is shown no value at all
    const plan = args.json && !args["show-secrets"] ? (await import("./compose/mask-plan.ts")).maskPlan(made) : made.plan;
    emit(plan, { json: args.json, render: (it) => renderPlan(it, { explain: args.explain, cwd: workingDirectory() }) });
  },
});

if (import.meta.main) await runScript(command);
