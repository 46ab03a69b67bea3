#!/usr/bin/env bun
/**
 * The address by which other machines of the local network reach this host: the one that its own packets to the outside
 * would carry. Nothing is sent.
 *
 *   bun routines/host/find-lan-address.ts
 */
import { networkInterfaces } from "node:os";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";

/** Of `os.networkInterfaces()`, as far as it is looked at. */
export type Interfaces = Readonly<Record<string, readonly { address: string; family: string; internal: boolean }[] | undefined>>;

/** For documentation (RFC 5737): no host has it, so that the default route says which way it would be. */
const ELSEWHERE = "192.0.2.1";
/** Of tunnels and of what engines and virtual machines make for themselves: nobody of the local network is behind them. */
const NOT_THE_LAN = /^(?:utun|tun|tap|wg|tailscale|zt|ppp|docker|br-|veth|virbr|vmnet|bridge|cni|podman|lxc)/;

/** IPv4. Undefined where this host is in no network. */
export async function findLanAddress(): Promise<string | undefined> {
  return chooseAddress(networkInterfaces(), await routedAddress());
}

/** The routed one, unless it is a tunnel's and there is another. */
export function chooseAddress(interfaces: Interfaces, routed: string | undefined): string | undefined {
  const known = Object.entries(interfaces).flatMap(([name, addresses = []]) =>
    addresses.filter((it) => it.family === "IPv4" && !it.internal).map(({ address }) => ({ name, address })),
  );
  const physical = known.filter(({ name, address }) => !NOT_THE_LAN.test(name) && !address.startsWith("169.254."));
  const isPhysical = physical.some(({ address }) => address === routed);
  return isPhysical ? routed : (physical[0]?.address ?? known.find(({ address }) => address === routed)?.address);
}

/** What the system would write into a packet; undefined where it has no way to the outside. */
async function routedAddress(): Promise<string | undefined> {
  try {
    const socket = await Bun.udpSocket({ connect: { hostname: ELSEWHERE, port: 9 } });
    const { address } = socket.address;
    socket.close();
    return address;
  } catch {
    return undefined;
  }
}

export const command = defineCommand({
  meta: { name: "find-lan-address", description: "The address by which the local network reaches this host" },
  args: { ...jsonArg },
  async run({ args }) {
    const address = await findLanAddress();
    if (address === undefined) throw new HarborError("Cannot find an address of this host: it is in no network", { exit: "missing" });
    emit({ address }, { json: args.json, render: (it) => it.address });
  },
});

if (import.meta.main) await runScript(command);
