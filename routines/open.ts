#!/usr/bin/env bun
/**
 * `harbor open`: a running service in the browser, once it is ready.
 *
 *   bun routines/open.ts webui
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { parseDuration } from "./_script/duration.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { runScript } from "./_script/script.ts";
import { awaitUrl } from "./stack/await-url.ts";
import { note, warn } from "./stack/say.ts";

/** A first start downloads models before its port opens. */
const DEFAULT_WAIT = "15m";

export const command = defineCommand({
  meta: {
    name: "open",
    description: "Open a running service in the browser, once it is ready",
    examples: ["harbor open", "harbor open webui", "harbor open webui --wait-timeout 60s"],
  },
  args: {
    handle: { type: "positional", description: "Service handle; ui.main, or the first frontend that is up, when left out" },
    "wait-timeout": {
      type: "string",
      description: "How long to wait until it is ready; 15m when left out",
      valueHint: "T",
      default: DEFAULT_WAIT,
    },
    ...jsonArg,
  },
  async run({ args }) {
    const timeoutMs = parseDuration(args["wait-timeout"]);
    if (timeoutMs === undefined) {
      const hint = "Write it like 90s or 10m";
      throw new HarborError(`Cannot use --wait-timeout "${args["wait-timeout"]}": it is no duration`, { exit: "usage", hint });
    }
    using interrupt = listenForInterrupt();
    const onWait = (handle: string): void => note(`${handle} is starting; waiting until it is ready`);
    const { handle, url, health } = await awaitUrl({ env: process.env, handle: args.handle, timeoutMs, signal: interrupt.signal, onWait });
    if (health === "unhealthy") warn([`${handle} is unhealthy: it may not answer`]);
    const { openUrl } = await import("./host/open-url.ts");
    await openUrl({ url });
    emit({ handle, url }, { json: args.json, render: (it) => it.url });
  },
});

if (import.meta.main) await runScript(command);
