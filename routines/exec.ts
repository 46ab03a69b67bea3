#!/usr/bin/env bun
/**
 * `harbor exec`: a program in a service: in its container, or for a native one on this host, in its folder and environment.
 *
 *   bun routines/exec.ts webui ls -l
 */
import { type ArgSpecs, defineCommand } from "./_script/command.ts";
import { HarborError } from "./_script/error.ts";
import { readLeadingOptions } from "./_script/leading-options.ts";
import { endWith, runScript } from "./_script/script.ts";
import { findInside } from "./stack/find-inside.ts";
import { runInside } from "./stack/run-inside.ts";

/** Its own, which stand before the handle. */
const ownArgs = {
  "no-tty": { type: "boolean", alias: "T", description: "No terminal for it, as where the output is none anyway" },
  user: { type: "string", alias: "u", description: "In a container: as this user", valueHint: "USER" },
  workdir: { type: "string", alias: "w", description: "In a container: in this folder", valueHint: "DIR" },
  workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
} as const satisfies ArgSpecs;

export const command = defineCommand({
  meta: {
    name: "exec",
    description: "Run a program in a service that is up, and end as it does",
    examples: [
      "harbor exec webui ls -l data",
      "harbor exec -u root webui -- id",
      "harbor exec ollama env            Natively: on this host, in its folder and environment",
      "harbor exec redis redis-cli ping",
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
    words: { type: "positional", description: "The program; all that follows goes to it, options too", multiple: true, required: true },
  },
  passThrough: true,
  async run({ rest }) {
    const { env } = process;
    const { args, words: line } = readLeadingOptions(rest, ownArgs, "harbor exec");
    const [name, ...more] = line;
    const words = more[0] === "--" ? more.slice(1) : more;
    if (name === undefined || words.length === 0) {
      const what = name === undefined ? "<handle> is missing" : "there is no program";
      throw new HarborError(`Cannot run "exec": ${what}`, { exit: "usage", hint: "Write it like `harbor exec webui ls -l`" });
    }
    const inside = await findInside({ name, env, directory: args.workspace, action: "run a program in" });
    endWith(await runInside({ inside, words, env, container: { hasNoTty: args["no-tty"], user: args.user, workdir: args.workdir } }));
  },
});

if (import.meta.main) await runScript(command);
