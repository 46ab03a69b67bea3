#!/usr/bin/env bun
/**
 * Who listens on a port of this host.
 *
 *   bun routines/host/find-port-owner.ts 11434 --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { checkPorts, type PortOwner } from "./check-ports.ts";

export type { PortOwner } from "./check-ports.ts";

/** The first that listens on this address, loopback when it is left out, or on every one; undefined where the port is free. */
export function findPortOwner({ port, address }: { port: number; address?: string | undefined }): PortOwner | undefined {
  return checkPorts({ ports: [port], address })[0];
}

/** `pid 4711 (redis-server 127.0.0.1:6379)`, as far as it is known. */
export function formatPortOwner(owner: PortOwner): string {
  if (owner.pid === undefined) return "a process of another user";
  return `pid ${owner.pid}${owner.command === undefined ? "" : ` (${owner.command})`}`;
}

export const command = defineCommand({
  meta: { name: "find-port-owner", description: "Who listens on a port of this host", examples: ["harbor routine find-port-owner 11434"] },
  args: { ...jsonArg, port: { type: "positional", description: "Port", required: true } },
  run({ args }) {
    const port = Number(args.port);
    if (!Number.isInteger(port)) throw new HarborError(`Cannot look up port "${args.port}": it is no number`, { exit: "usage" });
    const owner = findPortOwner({ port });
    emit(owner ?? null, { json: args.json, render: (it) => (it === null ? `${port}\tfree` : `${port}\t${formatPortOwner(it)}`) });
  },
});

if (import.meta.main) await runScript(command);
