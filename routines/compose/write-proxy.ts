/**
 * The small containers that stand in for a native service, written by Harbor where its contract has
 * no proxy of its own. How they reach the host's loopback: docs/adr/0009-one-relay.md.
 */

import type { Contract } from "../native/read-contract.ts";
import type { OfferingSpec } from "../native/resolve-contract.ts";
import { stackNames } from "./_host-addresses.ts";
import { HEALTH_FOLDER, needsSupervisor, proxyHealth } from "./_proxy-health.ts";
import { gatewayProgram, listenerProgram, quote, relayProgram, toProcess } from "./_relay-programs.ts";
import { escapeDollars } from "./interpolate.ts";
import type { ComposeModel } from "./merge-compose.ts";

/**
 * `socket`: Linux. A relay in the host's network reaches 127.0.0.1 and opens no port; the proxy hands it the socket that
 * listens in the stack's network. `host-gateway`: Docker Desktop and its kind, where `host.docker.internal` is the host's
 * loopback and sockets do not cross into the VM.
 */
export type Bridge = "socket" | "host-gateway";

export interface WriteProxyOptions {
  contract: Contract;
  spec: OfferingSpec;
  bridge: Bridge;
}

/** Holds the sockets by which proxies and relays meet; memory only, removed by `harbor down`. */
export const SOCKET_VOLUME = "harbor-native";

/** The image that is used unless the configuration names another. */
export const PROXY_IMAGE = { name: "haproxy", version: "3.2.24-alpine" };

/** The image of every container of a bridge, `${…}` as written: a small one with a shell. */
export const IMAGE = `\${HARBOR_PROXY_IMAGE:-${PROXY_IMAGE.name}}:\${HARBOR_PROXY_VERSION:-${PROXY_IMAGE.version}}`;

/** Nobody, on any system. */
const NOBODY = 65_534;

/** The contract's document with `services.<service>` (and its relay) filled in. */
export function writeProxy(options: WriteProxyOptions): ComposeModel {
  const { contract, bridge } = options;
  const { document, service } = contract;
  const rest = contract.hasProxy ? withoutProxy(ownService(contract)) : ownService(contract);
  const proxy = { ...(bridge === "socket" ? socketProxy(options) : gatewayProxy(options)), ...rest };
  const relay = bridge === "socket" ? { [`${service}-host`]: socketRelay(options) } : {};
  const volumes = bridge === "socket" ? { volumes: { [SOCKET_VOLUME]: tmpfsVolume() } } : {};
  return { ...document, ...volumes, services: { ...(document.services as object | undefined), ...relay, [service]: proxy } };
}

/**
 * Whether a contract's own proxy leads to `host.docker.internal`, as the older contracts do. On Linux that is the
 * bridge's address, where a process on loopback cannot be reached.
 */
export function goesThroughGateway(contract: Contract): boolean {
  const { extra_hosts: _, ...used } = ownService(contract); // to know the name is not to go there
  return JSON.stringify(used).includes("host.docker.internal");
}

function ownService({ document, service }: Contract): Record<string, unknown> {
  return (document.services as Record<string, Record<string, unknown>> | undefined)?.[service] ?? {};
}

/** What says how the proxy works; the rest (networks, labels, …) is what it stands for. */
const PROXY_KEYS: readonly string[] = ["build", "command", "entrypoint", "environment", "extra_hosts", "healthcheck", "image", "ports"];

function withoutProxy(service: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(service).filter(([key]) => !PROXY_KEYS.includes(key)));
}

/** Nothing to write, nothing to gain: what every container of a bridge is given. */
export function hardened(program: string): ComposeModel {
  return {
    image: IMAGE,
    entrypoint: ["/bin/sh", "-c"],
    command: [escapeDollars(program)],
    user: `${NOBODY}:${NOBODY}`,
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    stop_signal: "SIGTERM",
    restart: "on-failure",
  };
}

/** By its port as well: a relay of an older plan never meets a proxy of this one. */
function meetingPoint({ contract, spec }: WriteProxyOptions): string {
  return `${contract.service}-${spec.containerPort}`;
}

function socketProxy(options: WriteProxyOptions): ComposeModel {
  const { contract, spec } = options;
  const name = meetingPoint(options);
  return {
    ...hardened(listenerProgram({ name, port: spec.containerPort })),
    init: true,
    volumes: [`${SOCKET_VOLUME}:/sock`, ...healthVolume(spec)],
    depends_on: [`${contract.service}-host`],
    networks: joined(contract.service),
    healthcheck: proxyHealth({ spec, locate: locateProxy(name) }),
  };
}

/** Shell that sets `at` to the proxy's own address and port, of those that it has offered. */
export function locateProxy(name: string): string {
  return `read -r _ at < ${quote(`/sock/${name}.offer`)} || exit 1; at=\${at%%,*}`;
}

function socketRelay(options: WriteProxyOptions): ComposeModel {
  return {
    ...hardened(relayProgram({ name: meetingPoint(options), ...toProcess(`127.0.0.1:${options.spec.port}`) })),
    init: true,
    network_mode: "host",
    volumes: [`${SOCKET_VOLUME}:/sock`],
  };
}

function gatewayProxy({ contract, spec }: WriteProxyOptions): ComposeModel {
  const volumes = healthVolume(spec);
  return {
    ...hardened(gatewayProgram({ port: spec.containerPort, ...toProcess(`host.docker.internal:${spec.port}`) })),
    init: false,
    networks: joined(contract.service),
    ...(volumes.length === 0 ? {} : { volumes }),
    healthcheck: proxyHealth({ spec, locate: `at=127.0.0.1:${spec.containerPort}` }),
  };
}

/** The stack's network, by all names that it is looked for. */
export function joined(service: string): ComposeModel {
  return { "harbor-network": { aliases: stackNames(service).filter((name) => name !== service) } };
}

/** The folder, for a file in it is replaced when it changes. */
function healthVolume(spec: OfferingSpec): ComposeModel[] {
  if (!needsSupervisor(spec)) return [];
  const source = "${HARBOR_HOME}/state/health";
  return [{ type: "bind", source, target: HEALTH_FOLDER, read_only: true, bind: { create_host_path: true } }];
}

/** No `size`: Podman takes it for a quota of its storage. Nothing but these two programs writes there. */
export function tmpfsVolume(): ComposeModel {
  const o = `uid=${NOBODY},gid=${NOBODY},mode=0700`;
  return { driver: "local", driver_opts: { type: "tmpfs", device: "tmpfs", o } };
}
