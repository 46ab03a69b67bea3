#!/usr/bin/env bun
/**
 * `harbor autostart`: services that start by themselves when the user's session begins.
 *
 *   bun routines/autostart.ts enable -x ollama webui
 */
import { defineCommand } from "./_script/command.ts";
import { type CommandTable, runNamed } from "./_script/dispatch.ts";
import { runScript } from "./_script/script.ts";

const commands: CommandTable = {
  enable: () => import("./autostart/enable-autostart.ts"),
  disable: () => import("./autostart/disable-autostart.ts"),
  status: () => import("./autostart/read-autostart.ts"),
};

export const command = defineCommand({
  meta: {
    name: "autostart",
    description: "Start services by themselves when you log in, or at boot: enable, disable, status",
    examples: ["harbor autostart enable -x ollama webui", "harbor autostart status", "harbor autostart disable"],
  },
  args: {},
  commands,
  passThrough: true,
  run: ({ rest }) => runNamed(commands, rest, "harbor autostart"),
});

if (import.meta.main) await runScript(command);
