#!/usr/bin/env bun
/**
 * `harbor expose`: open a running service to the local network, with TLS and a password. Alone, or as `harbor expose ls`, it
 * shows what is open.
 *
 *   bun routines/expose.ts webui
 */
import { resolve } from "node:path";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { withLock } from "./_script/lock.ts";
import { runScript } from "./_script/script.ts";
import { workingDirectory } from "./_script/working-directory.ts";
import { findHome } from "./config/find-home.ts";
import type { Exposed } from "./reach/expose-service.ts";
import { readGivenPassword } from "./reach/read-given-password.ts";
import { emitReach } from "./reach/show-reach.ts";
import { createProgress } from "./stack/progress.ts";
import { stateOf } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { removeEmptyState } from "./stack/write-stack.ts";

function render({ handle, url, user, password, isFresh, authority }: Exposed): string {
  const secret = isFresh ? password : "as before (harbor expose ls --show-secrets)";
  return [
    url,
    `  user      ${user}`,
    `  password  ${secret}${isFresh ? "   (shown this once)" : ""}`,
    `  programs  send the password as a bearer token, or use it as the API key`,
    ...(authority === null ? [] : [`  trust     ${authority.file}`, `            SHA-256 ${authority.fingerprint}`]),
    `  close     harbor unexpose ${handle}`,
  ].join("\n");
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new HarborError(`Cannot use --port "${text}": it is no number`, { exit: "usage" });
}

function readCertificate(cert: string | undefined, key: string | undefined): { certificate: string; key: string } | undefined {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new HarborError('Cannot run "expose": --cert and --key go together', { exit: "usage" });
  const from = workingDirectory();
  return { certificate: resolve(from, cert), key: resolve(from, key) };
}

export const command = defineCommand({
  meta: {
    name: "expose",
    description: "Open a running service to the local network, with TLS and a password",
    examples: [
      "harbor expose webui",
      "harbor expose ollama --port 11434             Its API, the password as its key",
      "harbor expose webui --address 192.168.1.5 --cert my.pem --key my.key",
      "harbor expose ls",
      "harbor expose ls --show-secrets --json",
    ],
  },
  changes: ({ handle }) => (handle === undefined || handle === "ls" ? undefined : "tried"),
  args: {
    handle: { type: "positional", description: "Service handle; ls, or nothing, shows what is open", completes: "running" },
    address: {
      type: "string",
      description: "Which of this host's to listen on; 0.0.0.0 for all. Default: the one in the local network",
      valueHint: "IP",
    },
    port: { type: "string", description: "Default: the service's own", valueHint: "PORT" },
    user: { type: "string", description: "Who logs in", valueHint: "NAME", default: "harbor" },
    "password-from-env": {
      type: "string",
      description: "Use the password in this variable instead of one that is made",
      valueHint: "NAME",
    },
    "password-from-stdin": { type: "boolean", description: "The same with what stdin says" },
    "new-password": { type: "boolean", description: "Make another than the one of before" },
    cert: { type: "string", description: "A certificate of your own, PEM, with what it is signed by", valueHint: "FILE" },
    key: { type: "string", description: "Its key, PEM", valueHint: "FILE" },
    "show-secrets": { type: "boolean", description: "With ls: also the passwords" },
    ...jsonArg,
  },
  async run({ args }) {
    const { env } = process;
    const home = findHome(env);
    const { handle } = args;
    if (handle === undefined || handle === "ls") {
      return emitReach({ home, env, way: "expose", showsSecrets: args["show-secrets"], json: args.json });
    }
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const progress = createProgress(args.json);
    const options = {
      home,
      env,
      handle,
      address: args.address,
      port: readPort(args.port),
      user: args.user,
      password: await readGivenPassword(args["password-from-env"], args["password-from-stdin"]),
      isNewPassword: args["new-password"],
      certificate: readCertificate(args.cert, args.key),
      signal,
      progress,
    };
    const { exposeService } = await import("./reach/expose-service.ts");
    const work = (): Promise<Exposed> => exposeService(options);
    const exposed = await withLock(stateOf(home).lock, work, { signal, purpose: "harbor expose" }).finally(() => removeEmptyState(home));
    const { isFresh, password, ...shown } = exposed;
    // JSON is for programs, and logs: what nobody can know yet, and nothing else
    if (args.json) return emit({ ...shown, password: isFresh ? password : null }, { json: true, render: String });
    emit(exposed, { render });
    if (args.address === "0.0.0.0" || args.address === "::")
      warn(["It listens on every address of this host, of all networks that it is in"]);
    if (exposed.hostHeader !== null)
      note(`${handle} refuses other names than its own: it is called ${exposed.hostHeader} whatever others write`);
  },
});

if (import.meta.main) await runScript(command);
