#!/usr/bin/env bun
/**
 * Stop or restart containers of a project, and leave them there.
 *
 *   bun routines/engine/control-containers.ts restart --project harbor webui
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { projectArg, type UseEngineOptions, useEngine } from "./_use-engine.ts";
import { type Container, listContainers } from "./list-containers.ts";

export type ContainerAction = "stop" | "restart";

export interface ControlContainersOptions extends UseEngineOptions {
  action: ContainerAction;
  /** All at once. */
  containers: readonly Pick<Container, "id" | "name">[];
}

const NOT_MODIFIED = 304;
const NOT_FOUND = 404;

/** With each container's own grace. What is gone, or stopped already, is no error. */
export async function controlContainers(options: ControlContainersOptions): Promise<void> {
  await useEngine(options, async ({ api }) => {
    await Promise.all(
      options.containers.map(async ({ id }) => {
        const container = api.getContainer(id);
        await (options.action === "stop" ? container.stop() : container.restart()).catch((error: { statusCode?: number }) => {
          if (error.statusCode !== NOT_MODIFIED && error.statusCode !== NOT_FOUND) throw error;
        });
      }),
    );
  });
}

export const command = defineCommand({
  meta: { name: "control-containers", description: "Stop or restart containers of a project, and leave them there" },
  args: {
    action: { type: "positional", description: "stop or restart", required: true },
    service: { type: "positional", description: "Services in the compose file; all when left out", multiple: true },
    ...projectArg,
    ...jsonArg,
  },
  async run({ args }) {
    const { action } = args;
    if (action !== "stop" && action !== "restart")
      throw new HarborError(`Cannot ${action} containers: there is no such action`, { exit: "usage", hint: "Use stop or restart" });
    const reach = { env: process.env, home: findHome(process.env) };
    const all = await listContainers({ ...reach, project: args.project, details: false });
    const containers = all.filter(({ service }) => args.service.length === 0 || args.service.includes(service));
    await controlContainers({ ...reach, action, containers });
    emit(
      containers.map(({ name }) => name),
      { json: args.json, render: (names) => names.join("\n") },
    );
  },
});

if (import.meta.main) await runScript(command);
