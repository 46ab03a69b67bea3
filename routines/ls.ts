#!/usr/bin/env bun
/**
 * `harbor ls`: the services of the workspace, what each can run on, and which are up.
 *
 *   bun routines/ls.ts --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { formatPlace, HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { findHome } from "./config/find-home.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { readStack } from "./stack/read-stack.ts";
import { warn } from "./stack/say.ts";
import { describeService, type ServiceDescription } from "./workspace/describe-service.ts";
import type { Workspace } from "./workspace/find-workspace.ts";
import { listHandles } from "./workspace/list-handles.ts";

export interface ListedService extends ServiceDescription {
  /** Whether the last `harbor up` left it running; `harbor ps` looks. */
  isUp: boolean;
}

function render(services: readonly ListedService[]): string {
  const rows = services.map((it) => [
    it.handle,
    it.isUp ? "up" : "",
    it.runtimes.join(","),
    it.capabilities.join(","),
    it.tags.join(","),
    it.name,
  ]);
  return table([["HANDLE", "UP", "RUNS ON", "GPU", "TAGS", "NAME"], ...rows]).join("\n");
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

export const command = defineCommand({
  meta: {
    name: "ls",
    description: "List the services there are",
    examples: ["harbor ls", "harbor ls --tag backend", "harbor ls --up --json"],
  },
  args: {
    tag: { type: "string", description: "Only services with this tag", valueHint: "TAG", multiple: true, completes: "tag" },
    up: { type: "boolean", description: "Only services that are up" },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  run({ args }) {
    const home = findHome(process.env);
    const stack = readStack(home);
    const { workspace } = findStackWorkspace({ home, record: stack, directory: args.workspace });
    const up = new Set(stack?.services ?? []);
    const services = listHandles(workspace)
      .filter((handle) => !args.up || up.has(handle))
      .flatMap((handle) => describeOrWarn(handle, workspace))
      .map((service) => ({ ...service, isUp: up.has(service.handle) }))
      .filter((service) => service.runtimes.length > 0 && args.tag.every((tag) => service.tags.includes(tag)));
    emit(services, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
