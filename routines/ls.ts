#!/usr/bin/env bun
/**
 * `harbor ls`: the services of the workspace, what each can run on, and which are up.
 *
 *   bun routines/ls.ts --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { formatPlace, HarborError } from "./_script/error.ts";
import { nearest } from "./_script/nearest.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { findHome } from "./config/find-home.ts";
import type { Installed } from "./stack/find-installed.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { readStack } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { describeService, type ServiceDescription } from "./workspace/describe-service.ts";
import type { Workspace } from "./workspace/find-workspace.ts";
import { listHandles } from "./workspace/list-handles.ts";

export interface ListedService extends ServiceDescription {
  /** Whether the last `harbor up` left it running; `harbor ps` looks. */
  isUp: boolean;
  /** What it was started on; null for what is not up. */
  runtime: "container" | "native" | "connected" | null;
  /** What of it is on this host; only where that is asked for. */
  installed?: Installed;
}

function render(services: readonly ListedService[]): string {
  const rows = services.map((it) => [it.handle, upOf(it), runtimesOf(it), it.capabilities.join(","), it.tags.join(","), it.name]);
  return services.length === 0 ? "" : table([["HANDLE", "UP", "RUNS ON", "GPU", "TAGS", "NAME"], ...rows]).join("\n");
}

function renderLong(services: readonly ListedService[]): string {
  const rows = services.map((it) => [
    it.handle,
    upOf(it),
    runtimesOf(it),
    it.layer,
    it.provides.join(","),
    it.consumes.join(","),
    it.description,
  ]);
  const head = ["HANDLE", "UP", "RUNS ON", "FROM", "PROVIDES", "CONSUMES", "DESCRIPTION"];
  return services.length === 0 ? "" : table([head, ...rows]).join("\n");
}

function upOf({ isUp, runtime }: ListedService): string {
  return isUp ? `up${runtime === null || runtime === "container" ? "" : `, ${runtime}`}` : "";
}

/** What is installed is marked where that was looked for. */
function runtimesOf({ runtimes, installed }: ListedService): string {
  return runtimes.map((runtime) => `${runtime}${installed?.[runtime] ? "*" : ""}`).join(",");
}

/** One folder that cannot be read must not hide the others. */
function describeOrWarn(handle: string, workspace: Workspace): ServiceDescription[] {
  try {
    return [describeService(handle, workspace)];
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    // a folder without a file of a service is none
    if (error.exit !== "unknown") warn([error.at === undefined ? error.message : `${formatPlace(error.at)}: ${error.message}`]);
    return [];
  }
}

const SORTS: Readonly<Record<string, (service: ListedService) => string>> = {
  handle: ({ handle }) => handle,
  name: ({ name }) => name.toLowerCase(),
  up: ({ isUp }) => (isUp ? "0" : "1"),
  runtime: ({ runtimes }) => runtimes.join(","),
  layer: ({ layer }) => String(["project", "user", "flat", "built-in"].indexOf(layer)),
};

/** Throws `usage` for what can be no order. */
function readSort(name: string): (a: ListedService, b: ListedService) => number {
  const by = Object.hasOwn(SORTS, name) ? SORTS[name] : undefined;
  if (by !== undefined) return (a, b) => compare(by(a), by(b)) || compare(a.handle, b.handle);
  const guess = nearest(name, Object.keys(SORTS));
  throw new HarborError(`Cannot sort by "${name}"${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
    exit: "usage",
    hint: `It is one of ${Object.keys(SORTS).join(", ")}`,
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface Filters {
  words: readonly string[];
  tag: readonly string[];
  provides: readonly string[];
  native: boolean;
  container: boolean;
}

/** All of them hold; of what is up, its runtime is the one that it runs on. */
function matches(service: ListedService, { words, tag, provides, native, container }: Filters): boolean {
  const { handle, name, description, tags, runtime, runtimes } = service;
  const text = [handle, name, description, ...tags, ...service.provides].join("\n").toLowerCase();
  const isOn = (wanted: "container" | "native"): boolean => (runtime === null ? runtimes.includes(wanted) : runtime === wanted);
  return (
    runtimes.length > 0 &&
    words.every((word) => text.includes(word.toLowerCase())) &&
    tag.every((it) => tags.includes(it)) &&
    provides.every((it) => service.provides.includes(it)) &&
    (!native || isOn("native")) &&
    (!container || isOn("container"))
  );
}

async function withInstalled(services: readonly ListedService[], workspace: Workspace): Promise<ListedService[]> {
  const { findInstalled } = await import("./stack/find-installed.ts");
  const handles = services.map(({ handle }) => handle);
  const { installed, engineError } = await findInstalled({ handles, workspace, env: process.env });
  if (engineError !== undefined) warn([`images are not looked for: ${engineError.message}`]);
  return services.flatMap((service) => {
    const found = installed.get(service.handle);
    return found?.native || found?.container ? [{ ...service, installed: found }] : [];
  });
}

export const command = defineCommand({
  meta: {
    name: "ls",
    description: "List the services there are",
    examples: [
      "harbor ls",
      "harbor ls search                         Those that have to do with search",
      "harbor ls --provides openai-api --native",
      "harbor ls --tag backend --installed      Whose program or images are here",
      "harbor ls --up --json",
    ],
  },
  args: {
    words: {
      type: "positional",
      description: "Only services whose handle, name, description, tags or APIs have these words",
      multiple: true,
    },
    tag: { type: "string", description: "Only services with this tag", valueHint: "TAG", multiple: true, completes: "tag" },
    provides: {
      type: "string",
      description: "Only services that provide this, such as openai-api",
      valueHint: "API",
      multiple: true,
      completes: "api",
    },
    up: { type: "boolean", alias: "a", description: "Only services that are up" },
    running: { type: "boolean", description: "The same as --up" },
    native: { type: "boolean", alias: "n", description: "Only services that can run natively; of those that are up, that do" },
    container: { type: "boolean", alias: "c", description: "Only services that can run in a container; of those that are up, that do" },
    installed: { type: "boolean", description: "Only services whose program or images are on this host" },
    sort: {
      type: "string",
      description: "Order: handle, name, up, runtime, layer",
      valueHint: "BY",
      default: "handle",
      completes: Object.keys(SORTS),
    },
    long: { type: "boolean", alias: "l", description: "With what they provide, consume and are for" },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  async run({ args }) {
    const order = readSort(args.sort);
    const home = findHome(process.env);
    const stack = readStack(home);
    const { workspace } = findStackWorkspace({ home, record: stack, directory: args.workspace });
    const up = new Set(stack?.services ?? []);
    const natives = new Set(stack?.natives ?? []);
    const connected = new Set(stack?.connected ?? []);
    const runtimeOf = (handle: string): ListedService["runtime"] => {
      if (!up.has(handle)) return null;
      return connected.has(handle) ? "connected" : natives.has(handle) ? "native" : "container";
    };
    const found = listHandles(workspace)
      .filter((handle) => !(args.up || args.running) || up.has(handle))
      .flatMap((handle) => describeOrWarn(handle, workspace))
      .map((service): ListedService => ({ ...service, isUp: up.has(service.handle), runtime: runtimeOf(service.handle) }))
      .filter((service) => matches(service, args))
      .sort(order);
    const services = args.installed ? await withInstalled(found, workspace) : found;
    if (services.length === 0 && !args.json) note("no service is like that; `harbor ls` shows all");
    emit(services, { json: args.json, render: args.long ? renderLong : render });
  },
});

if (import.meta.main) await runScript(command);
