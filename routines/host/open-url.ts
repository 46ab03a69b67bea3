#!/usr/bin/env bun
/**
 * Open a URL in the user's browser.
 *
 *   bun routines/host/open-url.ts http://127.0.0.1:33801
 */
import { defineCommand } from "../_script/command.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { shell } from "../_script/shell.ts";

export interface OpenUrlOptions {
  url: string;
  platform?: NodeJS.Platform;
  /** Finds a program; undefined where it is not installed. */
  which?: (program: string) => string | null;
}

const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ["open"],
  win32: ["explorer.exe"],
  linux: ["wslview", "xdg-open", "gio"],
};

/** Throws `missing` where no program opens URLs, as on a server. */
export async function openUrl({ url, platform = process.platform, which = Bun.which }: OpenUrlOptions): Promise<void> {
  const program = (OPENERS[platform] ?? []).find((name) => which(name) !== null);
  if (program === undefined) {
    throw new HarborError(`Cannot open ${url}: this host has no program that opens URLs`, {
      exit: "missing",
      hint: `Open it in a browser: ${url}`,
    });
  }
  const words = program === "gio" ? [program, "open", url] : [program, url];
  const $ = await shell();
  const opener = $({ detached: true, nothrow: true, stdio: ["ignore", "ignore", "pipe"] })`${words}`;
  // some openers stay for as long as the browser does
  const { promise: patience, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, PATIENCE_MS);
  const ended = await Promise.race([opener, patience]);
  clearTimeout(timer); // the command would end no sooner
  if (ended === undefined) {
    opener.child?.stderr?.destroy();
    opener.child?.unref();
  } else if (ended.exitCode !== 0) {
    throw new HarborError(`Cannot open ${url}: ${program} says "${ended.stderr.trim() || `exit ${ended.exitCode}`}"`, {
      hint: `Open it in a browser: ${url}`,
    });
  }
}

const PATIENCE_MS = 2_000;

export const command = defineCommand({
  meta: { name: "open-url", description: "Open a URL in the browser", examples: ["harbor routine open-url http://127.0.0.1:33801"] },
  args: { url: { type: "positional", description: "The URL", required: true } },
  run: ({ args }) => openUrl({ url: args.url ?? "" }),
});

if (import.meta.main) await runScript(command);
