/**
 * The small containers that stand in for a native service, written by Harbor where its contract has
 * no proxy of its own. How they reach the host's loopback: docs/adr/0003-bridge-to-native-services.md.
 */

import type { Contract } from "../native/read-contract.ts";
import type { OfferingSpec } from "../native/resolve-contract.ts";
import { escapeDollars } from "./interpolate.ts";
import type { ComposeModel } from "./merge-compose.ts";

/**
 * `socket`: Linux. A relay in the host's network reaches 127.0.0.1 and opens no port; a unix socket in
 * a volume joins it to the proxy. `host-gateway`: Docker Desktop and its kind, where
 * `host.docker.internal` is the host's loopback and sockets do not cross into the VM.
 */
export type Bridge = "socket" | "host-gateway";

export interface WriteProxyOptions {
  contract: Contract;
  spec: OfferingSpec;
  bridge: Bridge;
}

/** The volume that holds the sockets; memory only, removed by `harbor down`. */
export const SOCKET_VOLUME = "harbor-native";

/** The image of every container of a bridge, `${…}` as written: a small one with a shell. */
export const IMAGE = "${HARBOR_PROXY_IMAGE:-alpine/socat}:${HARBOR_PROXY_VERSION:-1.8.0.3}";

/** The contract's document with `services.<service>` (and its relay) filled in. */
export function writeProxy(options: WriteProxyOptions): ComposeModel {
  const { contract, bridge } = options;
  const { document, service } = contract;
  const rest = contract.hasProxy ? withoutProxy(ownService(contract)) : ownService(contract);
  const address = `127.0.0.1:${options.spec.port}`;
  const proxy = { ...(bridge === "socket" ? socketProxy(options) : gatewayProxy(options)), ...rest };
  const relay = bridge === "socket" ? { [`${service}-host`]: socketRelay(service, address) } : {};
  const volumes = bridge === "socket" ? { volumes: { [SOCKET_VOLUME]: tmpfsVolume() } } : {};
  return { ...document, ...volumes, services: { ...(document.services as object | undefined), ...relay, [service]: proxy } };
}

/**
 * Whether a contract's own proxy leads to `host.docker.internal`, as the older contracts do. On Linux that is the
 * bridge's address, where a process on loopback cannot be reached.
 */
export function goesThroughGateway(contract: Contract): boolean {
  return JSON.stringify(ownService(contract)).includes("host.docker.internal");
}

function ownService({ document, service }: Contract): Record<string, unknown> {
  return (document.services as Record<string, Record<string, unknown>> | undefined)?.[service] ?? {};
}

/** What says how the proxy works; the rest (networks, labels, …) is what it stands for. */
const PROXY_KEYS: readonly string[] = ["build", "command", "entrypoint", "environment", "extra_hosts", "healthcheck", "image", "ports"];

function withoutProxy(service: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(service).filter(([key]) => !PROXY_KEYS.includes(key)));
}

/** Nothing to write, nothing to gain: what every proxy container is given. */
function hardened(command: string[]): ComposeModel {
  return {
    image: IMAGE,
    command,
    init: false,
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    restart: "on-failure",
  };
}

/** socat's own backlog of 5 loses connections in bursts; keepalive ends half-open ones. */
function listen(port: number): string {
  return `TCP-LISTEN:${port},fork,reuseaddr,nodelay,backlog=1024,keepalive,keepidle=30,keepintvl=10,keepcnt=3`;
}

function socketProxy({ contract, spec }: WriteProxyOptions): ComposeModel {
  return {
    ...hardened(["-b65536", listen(spec.containerPort), `UNIX-CONNECT:/sock/${contract.service}`]),
    volumes: [`${SOCKET_VOLUME}:/sock`],
    depends_on: [`${contract.service}-host`],
    networks: ["harbor-network"],
    healthcheck: healthcheck(spec),
  };
}

function socketRelay(service: string, address: string): ComposeModel {
  const socket = `UNIX-LISTEN:/sock/${service},fork,unlink-early,mode=0600,backlog=1024`;
  return {
    ...hardened(["-b65536", socket, `TCP:${address},nodelay,connect-timeout=3`]),
    network_mode: "host",
    volumes: [`${SOCKET_VOLUME}:/sock`],
  };
}

function gatewayProxy({ spec }: WriteProxyOptions): ComposeModel {
  const host = `TCP:host.docker.internal:${spec.port},nodelay,connect-timeout=3`;
  return {
    ...hardened(["-b65536", listen(spec.containerPort), host]),
    networks: ["harbor-network"],
    healthcheck: healthcheck(spec),
  };
}

/**
 * Asked through the proxy, so that it is the native service's own health. `-Y off`: docker may hand an HTTP
 * proxy to its containers. Without a path, a connection that is not closed at once is taken for health:
 * `nc -z` would be content with our own socat.
 */
function healthcheck({ ready: { http: path }, containerPort: port }: OfferingSpec): ComposeModel {
  const connect = `timeout 1 socat -u TCP:127.0.0.1:${port} /dev/null 2>/dev/null; [ $$? -ge 124 ]`;
  const test =
    path === undefined
      ? ["CMD-SHELL", connect]
      : ["CMD", "wget", "-Y", "off", "-q", "-O", "/dev/null", escapeDollars(`http://127.0.0.1:${port}${path}`)];
  return { test, interval: "2s", timeout: "3s", retries: 3, start_period: "120s" };
}

function tmpfsVolume(): ComposeModel {
  return { driver: "local", driver_opts: { type: "tmpfs", device: "tmpfs", o: "mode=0700,size=1m" } };
}
