#!/usr/bin/env bun
/**
 * The address of this host that containers of every network reach: the engine's own bridge, `docker0`. It is there
 * whenever an engine on this very kernel runs, whether or not a container has joined that bridge.
 *
 *   bun routines/host/find-gateway.ts
 */
import { readFileSync } from "node:fs";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";

/** The system's tables, as text. */
export interface NetworkTables {
  /** `/proc/net/route` */
  routes: string;
  /** `/proc/net/fib_trie` */
  addresses: string;
}

const BRIDGE = "docker0";

/**
 * Undefined where there is no such bridge. Read off the system's tables: node:os leaves out a bridge that no container has
 * joined.
 */
export function findGateway(tables: NetworkTables = readTables()): string | undefined {
  const subnets = tables.routes
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([name]) => name === BRIDGE)
    .map(([, destination = "", , , , , , mask = ""]) => ({ destination: fromHexadecimal(destination), mask: fromHexadecimal(mask) }));
  // an address stands on one line, what it is for on the next
  const own = [...tables.addresses.matchAll(/\|-- ([\d.]+)\n\s+\/32 host LOCAL/g)].map((match) => match[1] ?? "");
  return own.find((address) => subnets.some(({ destination, mask }) => (toNumber(address) & mask) >>> 0 === destination));
}

function readTables(): NetworkTables {
  return { routes: readTable("route"), addresses: readTable("fib_trie") };
}

function readTable(name: string): string {
  try {
    return readFileSync(`/proc/net/${name}`, "latin1");
  } catch {
    return ""; // not Linux
  }
}

/** Four bytes in the machine's order: 172.17.0.0 is `000011AC`. */
function fromHexadecimal(text: string): number {
  const bytes = text.match(/../g)?.reverse().join("") ?? "";
  return Number.parseInt(bytes, 16);
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

export const command = defineCommand({
  meta: { name: "find-gateway", description: "The address of this host that containers of every network reach" },
  args: { ...jsonArg },
  run({ args }) {
    const address = findGateway();
    if (address === undefined) throw new HarborError(`Cannot find the engine's bridge: this host has no ${BRIDGE}`, { exit: "missing" });
    emit({ address }, { json: args.json, render: (it) => it.address });
  },
});

if (import.meta.main) await runScript(command);
