#!/usr/bin/env bun
/**
 * `harbor connect`: a server that runs already, here or elsewhere, stands in for a service. Alone, or as `harbor connect ls`, it
 * shows them.
 *
 *   bun routines/connect.ts http://192.168.1.5:11434 --as ollama
 */
import { resolve } from "node:path";
import { findPlace, type Place, requireHandle, warnOfEnvironment, workspaceArg } from "./_configuration.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { isSecretName } from "./_script/secret-name.ts";
import { table } from "./_script/table.ts";
import { workingDirectory } from "./_script/working-directory.ts";
import type { ConnectedSpec } from "./compose/make-plan.ts";
import { type ConnectionPart, connectionVariable, formatServerUrl, readCertificates, readServerUrl } from "./config/connection.ts";
import { runtimeVariable } from "./config/runtime-preference.ts";
import { writeSettings } from "./config/write-settings.ts";
import { askServer, isAboutCertificate, type ServerAnswer } from "./stack/ask-server.ts";
import { type ListedConnection, listConnections } from "./stack/list-connections.ts";
import { planConnection } from "./stack/plan-connection.ts";
import { note, warn } from "./stack/say.ts";

interface Options {
  insecure: boolean;
  ca: string | undefined;
  "token-from-env": string | undefined;
  "token-from-stdin": boolean;
  force: boolean;
}

/** What is set; a part that is not given is taken out, for it was about another server. */
async function readParts(url: string, options: Options): Promise<Record<ConnectionPart, string | undefined>> {
  const ca = options.ca === undefined ? undefined : resolve(workingDirectory(), options.ca);
  if (ca !== undefined) readCertificates(ca);
  if (ca !== undefined && options.insecure)
    throw new HarborError('Cannot run "connect": --insecure does not look at the certificate that --ca is for', { exit: "usage" });
  const address = readServerUrl(url);
  if ((ca !== undefined || options.insecure) && address.scheme !== "https")
    throw new HarborError(
      `Cannot connect to "${url}": ${ca === undefined ? "--insecure" : "--ca"} is about a certificate, and ${address.scheme} has none`,
      {
        exit: "usage",
        hint: "Write https://… where the server has TLS",
      },
    );
  return { URL: formatServerUrl(address), INSECURE: options.insecure ? "true" : undefined, CA: ca, TOKEN: await readToken(options) };
}

/** Visible characters alone: it becomes part of a header. Never a word of the command line, which others can read. */
async function readToken(options: Options): Promise<string | undefined> {
  const { "token-from-env": name, "token-from-stdin": isStdin } = options;
  if (name === undefined && !isStdin) return undefined;
  const token = (name === undefined ? await Bun.stdin.text() : (process.env[name] ?? "")).trim();
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const where = name === undefined ? "stdin" : `the variable ${name}`;
  throw new HarborError(
    `Cannot take a token from ${where}: ${token === "" ? "it is empty" : "it has spaces, or characters that no header can have"}`,
    {
      exit: "usage",
    },
  );
}

/** Throws what keeps the server from standing in for the service, unless `force`. */
function judge(spec: ConnectedSpec, answer: ServerAnswer, { force }: Options): void {
  const { handle, question, hasToken } = spec;
  if (answer.kind === "right") return;
  if (answer.kind === "locked" && !hasToken) {
    warn([`It asks for a key (${answer.what}): give it to those who use ${handle}, or have the bridge send it: --token-from-env NAME`]);
    return;
  }
  const { message, hint } = wordRefusal(spec, answer);
  if (!force) {
    const details = [answer.what, `It was asked because ${question.because}`];
    throw new HarborError(message, { details, hint: `${hint}--force connects it all the same` });
  }
  warn([`${message}: ${answer.what}`]);
}

function wordRefusal({ handle, url }: ConnectedSpec, answer: ServerAnswer): { message: string; hint: string } {
  if (answer.kind === "locked") return { message: `Cannot use the token for ${url}`, hint: "The server does not take it; " };
  if (answer.kind === "other") return { message: `Cannot use ${url} as "${handle}": what answers is something else`, hint: "" };
  const hint = isAboutCertificate(answer) ? "--ca FILE names the authority that signed it, --insecure does not look at it; " : "";
  return { message: `Cannot reach ${url}`, hint };
}

function sayWhatNext({ record }: Place, { handle, url }: ConnectedSpec): void {
  note(`${handle} is ${url}; \`harbor disconnect ${handle}\` takes it back`);
  warnOfEnvironment(runtimeVariable(handle), "connected");
  warnOfEnvironment(connectionVariable(handle, "URL"), url);
  if (!record?.services.includes(handle)) return;
  if (record.connected?.includes(handle)) note(`${handle} is up: the next \`harbor up\` applies it`);
  else note(`${handle} is up, and stays on what it runs on: \`harbor down ${handle} && harbor up ${handle}\` moves it`);
}

function render(connections: readonly ListedConnection[]): string {
  if (connections.length === 0) return "";
  const rows = connections.map((it) => [it.handle, it.url, STATES[it.answer.kind], it.isUp ? "up" : "", notesOf(it)]);
  return table([["HANDLE", "SERVER", "ANSWERS", "UP", "HOW"], ...rows]).join("\n");
}

const STATES = { right: "yes", locked: "asks for a key", other: "something else does", silent: "no" } as const;

function notesOf({ isInsecure, hasCa, hasToken }: ListedConnection): string {
  return [isInsecure ? "certificate not checked" : "", hasCa ? "own authority" : "", hasToken ? "with a token" : ""]
    .filter((it) => it !== "")
    .join(", ");
}

async function list(directory: string | undefined, json: boolean): Promise<void> {
  const { workspace, record } = findPlace(directory);
  const { connections, problems } = await listConnections({ workspace, record, env: process.env });
  if (connections.length + problems.length === 0 && !json) note("nothing is connected; `harbor connect <url> --as <handle>` does it");
  warn(problems);
  emit(connections, { json, render });
  if (!json) warn(connections.filter(({ answer }) => answer.kind !== "right").map(({ handle, answer }) => `${handle}: ${answer.what}`));
}

export const command = defineCommand({
  meta: {
    name: "connect",
    description: "Have a server that runs already stand in for a service",
    examples: [
      "harbor connect http://127.0.0.1:11434 --as ollama       Your own Ollama, on this host",
      "harbor connect http://192.168.1.5:8080 --as llamacpp    One on another machine",
      "harbor connect https://gpu.example/ollama --as ollama --token-from-env GPU_TOKEN",
      "harbor connect redis://192.168.1.5:6379 --as redis",
      "harbor connect ls",
    ],
  },
  changes: ({ url }) => (url === undefined || url === "ls" ? undefined : "done"),
  args: {
    url: { type: "positional", description: "Where it is; ls, or nothing, shows what is connected", completes: ["ls"] },
    as: { type: "string", description: "The service that it stands in for", valueHint: "HANDLE", completes: "handle" },
    ca: { type: "string", description: "PEM file of the authority that signed its certificate", valueHint: "FILE" },
    insecure: { type: "boolean", description: "Do not look at its certificate: whoever is in between can read and change all of it" },
    "token-from-env": {
      type: "string",
      description: "Have the bridge send the token in this variable as a bearer token",
      valueHint: "NAME",
    },
    "token-from-stdin": { type: "boolean", description: "The same with what stdin says" },
    force: { type: "boolean", description: "Also where it does not answer, or as something else" },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const { url, as: handle } = args;
    if (url === undefined || url === "ls") return list(args.workspace, args.json);
    if (handle === undefined) {
      throw new HarborError(`Cannot connect "${url}": which service it is has not been said`, {
        exit: "usage",
        hint: `harbor connect ${url} --as ollama`,
      });
    }
    const place = findPlace(args.workspace);
    requireHandle(handle, place.workspace);
    const parts = await readParts(url, args);
    const { spec, token } = await planConnection({ handle, parts, workspace: place.workspace, env: process.env });
    const answer = await askServer({ spec, token });
    judge(spec, answer, args);
    const entries = Object.entries(parts).map(([part, value]) => [connectionVariable(handle, part as ConnectionPart), value] as const);
    const changes = new Map([[runtimeVariable(handle), "connected"], ...entries]);
    const { file } = await writeSettings({ home: place.home, changes, isSecret: isSecretName });
    const { isInsecure, hasToken } = spec;
    if (args.json)
      return emit(
        { handle, url: spec.url, isInsecure, hasCa: spec.ca !== undefined, hasToken, answer, file },
        { json: true, render: String },
      );
    sayWhatNext(place, spec);
  },
});

if (import.meta.main) await runScript(command);
