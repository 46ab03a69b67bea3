#!/usr/bin/env bun
/**
 * `harbor provider`: plain `docker compose` starts native services, too, once docker knows of Harbor.
 *
 *   bun routines/provider.ts status
 */
import { defineCommand } from "./_script/command.ts";
import { type CommandTable, runNamed } from "./_script/dispatch.ts";
import { runScript } from "./_script/script.ts";

const commands: CommandTable = {
  install: () => import("./provider/install-provider.ts"),
  uninstall: () => import("./provider/uninstall-provider.ts"),
  status: () => import("./provider/read-provider.ts"),
};

export const command = defineCommand({
  meta: {
    name: "provider",
    description: "Have plain `docker compose` start native services: install, uninstall, status",
    examples: ["harbor provider install", "harbor provider status", "harbor provider uninstall"],
  },
  args: {},
  commands,
  passThrough: true,
  run: ({ rest }) => runNamed(commands, rest, "harbor provider"),
});

if (import.meta.main) await runScript(command);
