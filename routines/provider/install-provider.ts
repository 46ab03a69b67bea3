#!/usr/bin/env bun
/**
 * Make Harbor known to docker, so that `docker compose` finds it for `provider: { type: harbor }`.
 *
 *   bun routines/provider/install-provider.ts
 */
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import { readPlugin } from "./_plugin.ts";
import { readProvider, renderStatus } from "./read-provider.ts";

/** A link of another Harbor makes way. Throws where something stands there that is none. */
export function installProvider(env: Env): void {
  const { path, target, current } = readPlugin(env);
  if (current === target) return;
  try {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    symlinkSync(target, path);
  } catch (cause) {
    throw new HarborError(`Cannot make "${path}": ${(cause as Error).message}`, { cause });
  }
}

export const command = defineCommand({
  meta: {
    name: "install-provider",
    description: "Make Harbor known to docker, as a plugin of its command line",
    examples: ["harbor provider install"],
  },
  changes: "done",
  args: { ...jsonArg },
  async run({ args }) {
    const { env } = process;
    installProvider(env);
    emit(await readProvider({ env, home: findHome(env) }), { json: args.json, render: renderStatus });
  },
});

if (import.meta.main) await runScript(command);
