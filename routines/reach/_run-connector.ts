/** Runs Cloudflare's connector, as a process of its own or in a container, and reads the URL that it is given out of what it says. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { identifyProcess, isAlive, type ProcessIdentity } from "../_script/process-identity.ts";
import { makePrivateFolder } from "../_script/write-file.ts";
import type { Env } from "../config/read-values.ts";
import { readTunnelUrl } from "./find-cloudflared.ts";

export interface Connector {
  handle: string;
  /** Whole path. */
  program: string;
  words: readonly string[];
  /** Of its log, and its home: the user's own has the configuration of other tunnels, with which there are no quick ones. */
  folder: string;
  env: Env;
  signal: AbortSignal;
}

const URL_MS = 60_000;
const POLL_MS = 200;

/** It goes on when we have ended. Throws what it says where it ends instead, or gives no URL in time. */
export function followProgram(connector: Connector, onStarted: (process: ProcessIdentity) => void): Promise<string> {
  const { handle, program, words, folder, env, signal } = connector;
  makePrivateFolder(folder);
  const file = join(folder, "log");
  const log = openSync(file, "w", 0o600);
  let identity: ProcessIdentity | undefined;
  try {
    const child = Bun.spawn([program, ...words], {
      cwd: folder,
      env: { ...proxiesOf(env), PATH: env.PATH ?? "", HOME: folder, TMPDIR: env.TMPDIR ?? "/tmp" },
      detached: true,
      stdio: ["ignore", log, log],
    });
    child.unref();
    identity = identifyProcess(child.pid);
  } catch (cause) {
    throw new HarborError(`Cannot run "${program}": ${(cause as NodeJS.ErrnoException).code}`, { exit: "missing", cause });
  } finally {
    closeSync(log);
  }
  if (identity === undefined) throw new HarborError(`Cannot tunnel "${handle}": ${program} vanished at its start`);
  onStarted(identity);
  const own = identity;
  return awaitUrl({ handle, signal, readLogs: async () => readFileSync(file, "utf8"), isOver: () => !isAlive(own) });
}

/** It has to go out by what everything of this user goes out by. */
function proxiesOf(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([name]) => /^(?:https?|all|no)_proxy$|^SSL_CERT_(?:FILE|DIR)$/i.test(name)));
}

export interface FollowOptions {
  handle: string;
  readLogs: () => Promise<string>;
  signal: AbortSignal;
}

/** The same of one that runs in a container. */
export function followContainer(options: FollowOptions): Promise<string> {
  return awaitUrl({ ...options, isOver: () => false });
}

async function awaitUrl({ handle, readLogs, signal, isOver }: FollowOptions & { isOver: () => boolean }): Promise<string> {
  const deadline = performance.now() + URL_MS;
  while (true) {
    if (signal.aborted) throw new HarborError(`Cannot tunnel "${handle}": interrupted`, { exit: "interrupted" });
    const wasOver = isOver();
    const said = await readLogs();
    const url = readTunnelUrl(said);
    if (wasOver || (url === undefined && performance.now() >= deadline)) throw whyNot(handle, said, wasOver);
    if (url !== undefined) return url;
    await Bun.sleep(POLL_MS);
  }
}

const SHOWN_LINES = 8;

function whyNot(handle: string, said: string, isOver: boolean): HarborError {
  const details = said
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(-SHOWN_LINES);
  const state = isOver ? "cloudflared has ended" : `cloudflared has no URL after ${URL_MS / 1000} s`;
  return new HarborError(`Cannot tunnel "${handle}": ${state}`, {
    exit: isOver ? "failed" : "timeout",
    details,
    hint: "It has to reach api.trycloudflare.com and port 7844 of Cloudflare's network",
  });
}
