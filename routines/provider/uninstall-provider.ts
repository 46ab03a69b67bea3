#!/usr/bin/env bun
/**
 * Take Harbor out of docker's plugins again. What runs goes on; `docker compose down` of a project that uses it needs the
 * plugin, so that goes first.
 *
 *   bun routines/provider/uninstall-provider.ts
 */
import { rmSync } from "node:fs";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import { listLeases } from "../stack/leases.ts";
import { warn } from "../stack/say.ts";
import { readPlugin } from "./_plugin.ts";

export interface RemovedProvider {
  path: string;
  wasInstalled: boolean;
}

/** The link in docker's folder of plugins; undefined where there is none. Throws as uninstalling does. */
export function findProvider(env: Env): string | undefined {
  const { path, current } = readPlugin(env);
  return current === undefined ? undefined : path;
}

/** Throws where something stands there that is no link of Harbor's. */
export function uninstallProvider(env: Env): RemovedProvider {
  const { path, current } = readPlugin(env);
  rmSync(path, { force: true });
  return { path, wasInstalled: current !== undefined };
}

export const command = defineCommand({
  meta: {
    name: "uninstall-provider",
    description: "Take Harbor out of docker's plugins again",
    examples: ["harbor provider uninstall"],
  },
  changes: "done",
  args: { ...jsonArg },
  run({ args }) {
    const { env } = process;
    const projects = [...new Set(listLeases(findHome(env)).map(({ project }) => project))];
    const removed = uninstallProvider(env);
    if (projects.length > 0)
      warn([`Still used by compose project ${projects.join(", ")}: \`harbor down\` stops its native services, now that docker cannot`]);
    emit(removed, { json: args.json, render: ({ path, wasInstalled }) => (wasInstalled ? `removed ${path}` : "not installed") });
  },
});

if (import.meta.main) await runScript(command);
