/**
 * An engine of another machine as a socket of this one. Each connection is a run of the system's own ssh, as docker makes it
 * (`docker system dial-stdio`, which every docker from 18.09 on knows): with the user's configuration of ssh, keys, agent and known
 * hosts. node:net takes 8 ms to load, so what it takes is loaded with the first one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { quoteWord } from "./quote-word.ts";

export interface SshHost {
  host: string;
  port?: number;
  username?: string;
  /** The engine's socket over there, where it is not the one that docker takes by itself. */
  remoteSocket?: string;
}

export interface SshRelay {
  /** In a folder that is the user's alone; there until the process ends. */
  socketPath: string;
  /** What ssh said last, if it said why it could not connect. */
  said(): string | undefined;
}

/** Asks nothing: where a password or the trust in a host would have to be typed, it fails and says so. */
export function openSshRelay(target: SshHost): SshRelay {
  const { createServer } = require("node:net") as typeof import("node:net");
  const { tmpdir } = require("node:os") as typeof import("node:os");
  const folder = mkdtempSync(join(tmpdir(), "harbor-ssh-"));
  const socketPath = join(folder, "engine.sock");
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  let said: string | undefined;
  const server = createServer({ allowHalfOpen: true }, (connection) => {
    connect(connection, sshWords(target), (text) => {
      said = text;
    });
  });
  server.listen(socketPath);
  server.unref();
  return { socketPath, said: () => said };
}

/** `--` keeps a host that begins with a dash from being an option. */
function sshWords({ host, port, username, remoteSocket }: SshHost): string[] {
  const at = remoteSocket === undefined ? "" : ` --host ${quoteWord(`unix://${remoteSocket}`)}`;
  return [
    ...["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"],
    ...(username === undefined ? [] : ["-l", username]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...["--", host, `docker${at} system dial-stdio`],
  ];
}

function connect(connection: Socket, words: readonly string[], onFailure: (said: string) => void): void {
  const { spawn } = require("node:child_process") as typeof import("node:child_process");
  const child = spawn("ssh", words, { stdio: "pipe" });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2_000);
  });
  const broken = (): void => undefined; // either end may go before the other: its close is what counts
  for (const end of [connection, child.stdin, child.stdout]) end.on("error", broken);
  child.on("error", (error: NodeJS.ErrnoException) => {
    onFailure(error.code === "ENOENT" ? "there is no program ssh on PATH" : error.message);
    connection.destroy();
  });
  child.on("close", (code) => {
    if (code !== 0 && errors.trim() !== "") onFailure(`ssh says "${errors.trim().split("\n").at(-1)?.trim()}"`);
    connection.end();
  });
  connection.on("close", () => child.kill());
  connection.pipe(child.stdin);
  child.stdout.pipe(connection, { end: false });
}
