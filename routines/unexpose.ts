#!/usr/bin/env bun
/**
 * `harbor unexpose`: close what `harbor expose` has opened; the service itself goes on.
 *
 *   bun routines/unexpose.ts webui
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { runScript } from "./_script/script.ts";
import { closeReach } from "./reach/close-reach.ts";

export const command = defineCommand({
  meta: {
    name: "unexpose",
    description: "Close services to the local network again",
    examples: ["harbor unexpose webui", "harbor unexpose"],
  },
  changes: "tried",
  args: {
    handles: {
      type: "positional",
      description: "Service handles; all that are exposed when left out",
      multiple: true,
      completes: "exposed",
    },
    ...jsonArg,
  },
  run: ({ args }) => closeReach({ way: "expose", handles: args.handles, json: args.json }),
});

if (import.meta.main) await runScript(command);
