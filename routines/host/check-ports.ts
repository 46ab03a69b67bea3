#!/usr/bin/env bun
/**
 * Which of these ports are taken on this host's loopback, and by whom.
 *
 *   bun routines/host/check-ports.ts 11434 33801 --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import { describeCommand, findHolders, listListeners } from "./read-listeners.ts";

export interface PortOwner {
  port: number;
  /** Unknown where the process belongs to another user. */
  pid?: number;
  /** Its program and leading words, without options. */
  command?: string;
}

/** One entry for each taken port, in the order given; the free ones have none. */
export function checkPorts(options: { ports: readonly number[]; address?: string | undefined }): PortOwner[] {
  const listeners = listListeners(new Set(options.ports), options.address);
  if (listeners.length === 0) return [];
  const inodes = new Set(listeners.flatMap((listener) => listener.inode ?? []));
  const holders = inodes.size === 0 ? new Map<string, number>() : findHolders(inodes);
  return options.ports.flatMap((port) => {
    const own = listeners.filter((listener) => listener.port === port);
    if (own.length === 0) return [];
    const pid = own.map((listener) => listener.pid ?? holders.get(listener.inode ?? "")).find((found) => found !== undefined);
    const words = pid === undefined ? undefined : describeCommand(pid);
    return [{ port, ...(pid === undefined ? {} : { pid }), ...(words === undefined ? {} : { command: words }) }];
  });
}

export const command = defineCommand({
  meta: { name: "check-ports", description: "Which ports are taken, and by whom", examples: ["harbor routine check-ports 11434 33801"] },
  args: { ...jsonArg, ports: { type: "positional", description: "Ports", required: true, multiple: true } },
  run({ args }) {
    const ports = args.ports.map(Number);
    const wrong = ports.findIndex((port) => !Number.isInteger(port));
    if (wrong !== -1) throw new HarborError(`Cannot check port "${args.ports[wrong]}": it is no number`, { exit: "usage" });
    emit(checkPorts({ ports }), {
      json: args.json,
      render: (owners) => owners.map((it) => `${it.port}\t${it.pid ?? "?"}\t${it.command ?? "a process of another user"}`).join("\n"),
    });
  },
});

if (import.meta.main) await runScript(command);
