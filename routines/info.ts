#!/usr/bin/env bun
/**
 * `harbor info`: all about one service; the engine is not asked.
 *
 *   bun routines/info.ts ollama --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { currentStack } from "./stack/current-stack.ts";
import { type ContractInfo, describeHandle, type ServiceInfo } from "./stack/describe-handle.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";

type Row = readonly [label: string, text: string | undefined];

function render(info: ServiceInfo): string {
  const blocks = [
    [`${info.name}${info.name === info.handle ? "" : ` (${info.handle})`}`, ...(info.description === "" ? [] : [info.description])],
    rows(generalRows(info)),
    section("SETTINGS", table(info.settings.map((it) => [it.key, oneLine(it.value ?? ""), it.origin, it.description ?? ""]))),
    section("FILES", table(info.files.map((it) => [it.kind, it.path]))),
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function generalRows(info: ServiceInfo): Row[] {
  const { urls, data } = info;
  return [
    ["state", info.isUp ? "up" : "not up"],
    [wordWhere(info), info.runtime === null ? undefined : `${HOW[info.runtime]}: ${info.because}`],
    ["problem", info.problem ?? undefined],
    ["what", info.runs ?? undefined],
    ["local", urls.local.join(" ")],
    ["LAN", urls.lan.length > 0 ? urls.lan.join(" ") : info.expose === null ? undefined : `this host alone. ${info.expose}`],
    ["in the stack", urls.internal.join(" ")],
    ["credentials", info.credentials.map((it) => wordCredential(it, info.handle)).join("; ")],
    ["data", `${data.folder}${data.exists ? "" : " (not there yet)"}`],
    ["contract", info.contract?.path],
    ["program", info.contract === null ? undefined : wordProgram(info.contract)],
    ["GPU files", info.capabilities.join(", ")],
    ["tags", info.tags.join(", ")],
    ["provides", info.provides.join(", ")],
    ["consumes", info.consumes.join(", ")],
    ["homepage", info.homepage],
    ["docs", info.docs],
    ["try", info.example?.replaceAll("{url}", urls.local[0] ?? "<url>")],
    ["folder", `${info.folder} (${info.layer})`],
  ];
}

function wordWhere({ isUp, runtime }: ServiceInfo): string {
  if (runtime === "connected") return isUp ? "is" : "would be";
  return isUp ? "runs" : "would run";
}

const HOW = { native: "natively", container: "in a container", connected: "connected" } as const;

function wordProgram({ executable, file, install, problem }: ContractInfo): string {
  if (problem !== null) return problem;
  if (file !== null) return file;
  return `${executable} is not installed${install === null ? "" : `; ${install}`}`;
}

function wordCredential({ key, isSet }: ServiceInfo["credentials"][number], handle: string): string {
  return isSet ? `${key}: --show-secrets shows it, \`harbor secrets rotate ${handle}\` makes another` : `${key} is made at the first start`;
}

function rows(them: readonly Row[]): string[] {
  return table(them.flatMap(([label, text]) => (text === undefined || text === "" ? [] : [[label, text]])));
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`)];
}

/** A value may have lines. */
function oneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

export const command = defineCommand({
  meta: {
    name: "info",
    description: "Show all about a service: what it runs on, URLs, settings, files, data, docs",
    examples: ["harbor info ollama", "harbor info webui --json", "harbor info litellm --show-secrets"],
  },
  args: {
    handle: { type: "positional", description: "Service handle", required: true },
    "show-secrets": { type: "boolean", description: "Show the values of keys, tokens and passwords" },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  async run({ args }) {
    const { env } = process;
    const { home, record } = currentStack(env);
    const { workspace } = findStackWorkspace({ home, record, directory: args.workspace });
    const info = await describeHandle({ handle: String(args.handle), workspace, record, env, showsSecrets: args["show-secrets"] });
    emit(info, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
