#!/usr/bin/env bun
/**
 * `harbor shell`: a shell in a service: in its container, or for a native one on this host, in its folder and environment.
 *
 *   bun routines/shell.ts webui
 */
import { type ArgSpecs, defineCommand } from "./_script/command.ts";
import { HarborError } from "./_script/error.ts";
import { readLeadingOptions } from "./_script/leading-options.ts";
import { endWith, runScript } from "./_script/script.ts";
import type { Env } from "./config/read-values.ts";
import { findInside, type Inside, type InsideContainer } from "./stack/find-inside.ts";
import { runInside } from "./stack/run-inside.ts";
import { note } from "./stack/say.ts";

/** Its own, which stand before the handle. */
const ownArgs = {
  user: { type: "string", alias: "u", description: "In a container: as this user", valueHint: "USER" },
  workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
} as const satisfies ArgSpecs;

/** Where a shell is in an image that has one; busybox alone, as in `debug` images, has it elsewhere. */
const SHELLS = ["/bin/sh", "/usr/bin/sh", "/busybox/sh"];
const BEST_SHELL = "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi";

async function shellOf(inside: Inside, env: Env): Promise<string[]> {
  return inside.runtime === "container" ? shellInContainer(inside) : [env.SHELL || (Bun.which("bash") ?? "sh")];
}

/** Throws `missing` for an image without any. */
async function shellInContainer({ engine, container }: InsideContainer): Promise<string[]> {
  const { findInContainer } = await import("./engine/find-in-container.ts");
  const shell = await findInContainer({ engine, id: container.id, paths: SHELLS });
  if (shell !== undefined) return [shell, "-c", BEST_SHELL];
  throw new HarborError(`Cannot open a shell in "${container.service}": its image ${container.image} has none`, {
    exit: "missing",
    hint: `Run a program that it has: harbor exec ${container.service} <program>`,
  });
}

export const command = defineCommand({
  meta: {
    name: "shell",
    description: "Open a shell in a service that is up",
    examples: [
      "harbor shell webui               bash where its image has one, else sh",
      "harbor shell webui python3       Another program",
      "harbor shell -u root webui",
      "harbor shell ollama              Natively: on this host, in its folder and environment",
    ],
  },
  args: {
    ...ownArgs,
    handle: {
      type: "positional",
      description: "Service handle, or a companion's name; Harbor's own options stand before it",
      required: true,
      completes: "running",
    },
    program: { type: "positional", description: "Instead of a shell, with all that follows", multiple: true },
  },
  passThrough: true,
  async run({ rest }) {
    const { env } = process;
    const { args, words: line } = readLeadingOptions(rest, ownArgs, "harbor shell");
    const [name, ...more] = line;
    if (name === undefined) {
      throw new HarborError('Cannot run "shell": <handle> is missing', { exit: "usage", hint: "Run `harbor shell --help`" });
    }
    const inside = await findInside({ name, env, directory: args.workspace, action: "open a shell in" });
    const program = more[0] === "--" ? more.slice(1) : more;
    const words = program.length > 0 ? program : await shellOf(inside, env);
    if (inside.runtime === "native") {
      note(`${name} runs natively: ${words[0]} on this host, in ${inside.spec.cwd} and its environment`);
    }
    endWith(await runInside({ inside, words, env, container: { user: args.user } }));
  },
});

if (import.meta.main) await runScript(command);
