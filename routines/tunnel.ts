#!/usr/bin/env bun
/**
 * `harbor tunnel`: open a running service to the internet by a quick tunnel of Cloudflare's, behind a password unless it is said
 * to be public. `ls`, or nothing, shows the tunnels, `down` closes them.
 *
 *   bun routines/tunnel.ts webui
 */
import { type CommandTable, defineCommand, jsonArg } from "./_script/command.ts";
import { runNamed } from "./_script/dispatch.ts";
import { emit } from "./_script/emit.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { withLock } from "./_script/lock.ts";
import { runScript } from "./_script/script.ts";
import { findHome } from "./config/find-home.ts";
import { closeReach } from "./reach/close-reach.ts";
import { readGivenPassword } from "./reach/read-given-password.ts";
import { emitReach } from "./reach/show-reach.ts";
import type { Tunnelled } from "./reach/tunnel-service.ts";
import { createProgress } from "./stack/progress.ts";
import { stateOf } from "./stack/read-stack.ts";
import { warn } from "./stack/say.ts";
import { removeEmptyState } from "./stack/write-stack.ts";

function render({ handle, url, user, password, isFresh }: Tunnelled): string {
  const login =
    user === null
      ? []
      : [
          `  user      ${user}`,
          `  password  ${isFresh ? `${password}   (shown this once)` : "as before (harbor tunnel ls --show-secrets)"}`,
          "  programs  send the password as a bearer token, or use it as the API key",
        ];
  return [url, ...login, `  close     harbor tunnel down ${handle}`].join("\n");
}

const open = defineCommand({
  meta: {
    name: "open",
    description: "Open a service to the internet",
    examples: ["harbor tunnel webui", "harbor tunnel open webui --json", "harbor tunnel hollama --public"],
  },
  changes: "tried",
  args: {
    handle: { type: "positional", description: "Service handle", required: true, completes: "running" },
    public: { type: "boolean", description: "Ask nobody for a password: whoever learns the URL can use it" },
    user: { type: "string", description: "Who logs in", valueHint: "NAME", default: "harbor" },
    "password-from-env": {
      type: "string",
      description: "Use the password in this variable instead of one that is made",
      valueHint: "NAME",
    },
    "password-from-stdin": { type: "boolean", description: "The same with what stdin says" },
    "new-password": { type: "boolean", description: "Make another than the one of before" },
    ...jsonArg,
  },
  async run({ args }) {
    const { env } = process;
    const home = findHome(env);
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const progress = createProgress(args.json);
    const password = await readGivenPassword(args["password-from-env"], args["password-from-stdin"]);
    const { tunnelService } = await import("./reach/tunnel-service.ts");
    const handle = String(args.handle);
    const work = (): Promise<Tunnelled> =>
      tunnelService({
        home,
        env,
        handle,
        isPublic: args.public,
        user: args.user,
        password,
        isNewPassword: args["new-password"],
        signal,
        progress,
      });
    const opened = await withLock(stateOf(home).lock, work, { signal, purpose: "harbor tunnel" }).finally(() => removeEmptyState(home));
    const { isFresh, password: secret, ...shown } = opened;
    if (args.json) return emit({ ...shown, password: isFresh ? secret : null }, { json: true, render: String });
    emit(opened, { render });
    if (args.public) warn([`Whoever learns ${opened.url} can use ${opened.handle}: nobody is asked for a password`]);
  },
});

const ls = defineCommand({
  meta: { name: "ls", description: "Show the tunnels", examples: ["harbor tunnel ls", "harbor tunnel ls --show-secrets --json"] },
  args: { "show-secrets": { type: "boolean", description: "Also the passwords" }, ...jsonArg },
  run: ({ args }) =>
    emitReach({ home: findHome(process.env), env: process.env, way: "tunnel", showsSecrets: args["show-secrets"], json: args.json }),
});

const down = defineCommand({
  meta: {
    name: "down",
    description: "Close tunnels; all of them without names",
    examples: ["harbor tunnel down", "harbor tunnel down webui"],
  },
  changes: "tried",
  args: { handles: { type: "positional", description: "Service handles", multiple: true, completes: "tunnelled" }, ...jsonArg },
  run: ({ args }) => closeReach({ way: "tunnel", handles: args.handles, json: args.json }),
});

const commands: CommandTable = {
  open: async () => ({ command: open }),
  ls: async () => ({ command: ls }),
  down: async () => ({ command: down }),
  stop: async () => ({ command: down }),
};

/** `harbor tunnel webui` is short for `harbor tunnel open webui`; nothing, or options alone, for `ls`. */
function withWord([first, ...rest]: readonly string[]): readonly string[] {
  if (first === undefined) return ["ls"];
  if (Object.hasOwn(commands, first)) return [first, ...rest];
  const isOptions = [first, ...rest].every((word) => word.startsWith("-"));
  return [isOptions ? "ls" : "open", first, ...rest];
}

export const command = defineCommand({
  meta: {
    name: "tunnel",
    description: "Open a running service to the internet, with a password",
    examples: ["harbor tunnel webui", "harbor tunnel hollama --public", "harbor tunnel ls", "harbor tunnel down webui"],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, withWord(rest), "harbor tunnel"),
});

if (import.meta.main) await runScript(command);
