#!/usr/bin/env bun
/**
 * `harbor url`: where a running service is reached.
 *
 *   bun routines/url.ts webui
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { findUrls } from "./stack/find-urls.ts";
import { NOTHING_IS_UP, note } from "./stack/say.ts";

export const command = defineCommand({
  meta: {
    name: "url",
    description: "Print the URL of a running service",
    examples: ["harbor url webui", "harbor url --lan webui", "harbor url --internal ollama", "harbor url --json"],
  },
  args: {
    handle: { type: "positional", description: "Service handle; every running service when left out" },
    internal: { type: "boolean", alias: "i", description: "The URL that other services of the stack use" },
    lan: { type: "boolean", alias: "a", description: "The URL that other machines of the local network use" },
    ...jsonArg,
  },
  async run({ args }) {
    if (args.internal && args.lan) throw new HarborError('Cannot run "url": --internal and --lan exclude each other', { exit: "usage" });
    const kind = args.internal ? "internal" : args.lan ? "lan" : "local";
    const { urls, services } = await findUrls({ env: process.env, handle: args.handle, kind });
    if (urls.length === 0 && !args.json) {
      note(services === 0 ? NOTHING_IS_UP : args.lan ? "nothing that runs is open to the local network" : "nothing that runs has a URL");
    }
    emit(urls, {
      json: args.json,
      render: (them) => them.map((it) => (args.handle === undefined ? `${it.handle}\t${it.url}` : it.url)).join("\n"),
    });
  },
});

if (import.meta.main) await runScript(command);
