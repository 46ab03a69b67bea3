#!/usr/bin/env bun
/**
 * `harbor disconnect`: the server no longer stands in for the service; it goes on, and is only forgotten.
 *
 *   bun routines/disconnect.ts ollama
 */
import { findPlace, requireHandle, workspaceArg } from "./_configuration.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { isSecretName } from "./_script/secret-name.ts";
import { CONNECTION_PARTS, connectionVariable } from "./config/connection.ts";
import { readValues } from "./config/read-values.ts";
import { runtimeVariable } from "./config/runtime-preference.ts";
import { writeSettings } from "./config/write-settings.ts";
import { note } from "./stack/say.ts";

export const command = defineCommand({
  meta: {
    name: "disconnect",
    description: "Have services run here again instead of connected servers",
    examples: ["harbor disconnect ollama", "harbor disconnect ollama redis"],
  },
  changes: "done",
  args: {
    handles: { type: "positional", description: "Service handles", required: true, multiple: true, completes: "connected" },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const { home, workspace, record } = findPlace(args.workspace);
    const values = readValues({ workspace, env: process.env });
    for (const handle of args.handles) {
      requireHandle(handle, workspace);
      if (values.get(runtimeVariable(handle)) === "connected" || values.get(connectionVariable(handle, "URL"))) continue;
      throw new HarborError(`Cannot disconnect "${handle}": it is not connected`, { hint: "`harbor connect ls` shows what is" });
    }
    const changes = new Map<string, undefined>();
    for (const handle of args.handles) {
      if (values.get(runtimeVariable(handle)) === "connected") changes.set(runtimeVariable(handle), undefined);
      for (const part of CONNECTION_PARTS) changes.set(connectionVariable(handle, part), undefined);
    }
    const { file } = await writeSettings({ home, changes, isSecret: isSecretName });
    if (args.json) return emit({ disconnected: args.handles, file }, { json: true, render: String });
    for (const handle of args.handles) {
      const isUp = record?.connected?.includes(handle) ?? false;
      note(
        isUp
          ? `${handle} is no longer connected; it is up so until the next \`harbor up\`, which runs it here`
          : `${handle} is no longer connected`,
      );
    }
  },
});

if (import.meta.main) await runScript(command);
