/**
 * The containers that lead to a server of the user's own, as the bridge of a native service leads to its process: one that
 * listens in the stack's network, and on Linux the relay in this host's, which finds the server as this host does.
 */
import { authorityOf, connectionVariable, isLoopback } from "../config/connection.ts";
import type { ConnectedSpec } from "./_connect-services.ts";
import { remoteHealth } from "./_proxy-health.ts";
import { type Backend, gatewayProgram, listenerProgram, relayProgram } from "./_relay-programs.ts";
import type { ComposeModel } from "./merge-compose.ts";
import { type Bridge, hardened, joined, locateProxy, SOCKET_VOLUME, tmpfsVolume } from "./write-proxy.ts";

export interface WriteRemoteProxyOptions {
  /** Its name in the model. */
  service: string;
  spec: ConnectedSpec;
  bridge: Bridge;
}

/** The variable of the bridge's own environment that holds the token: in no command line, and in no other container. */
const TOKEN = "HARBOR_REMOTE_TOKEN";

/** A compose document. */
export function writeRemoteProxy(options: WriteRemoteProxyOptions): ComposeModel {
  const { service, spec, bridge } = options;
  const environment = spec.hasToken ? { environment: { [TOKEN]: `\${${connectionVariable(spec.handle, "TOKEN")}:-}` } } : {};
  if (bridge === "host-gateway") {
    const program = gatewayProgram({ port: spec.containerPort, ...backendOf(spec, "/dev/shm/ca.pem", "host.docker.internal") });
    const locate = `at=127.0.0.1:${spec.containerPort}`;
    const proxy = {
      ...hardened(program),
      init: false,
      networks: joined(service),
      healthcheck: remoteHealth({ spec, locate }),
      ...environment,
    };
    return { services: { [service]: proxy } };
  }
  const name = `${service}-${spec.containerPort}`;
  const proxy = {
    ...hardened(listenerProgram({ name, port: spec.containerPort })),
    init: true,
    volumes: [`${SOCKET_VOLUME}:/sock`],
    depends_on: [`${service}-host`],
    networks: joined(service),
    healthcheck: remoteHealth({ spec, locate: locateProxy(name) }),
  };
  const relay = {
    ...hardened(relayProgram({ name, ...backendOf(spec, `/sock/${name}.ca`, "127.0.0.1") })),
    init: true,
    network_mode: "host",
    volumes: [`${SOCKET_VOLUME}:/sock`],
    ...environment,
  };
  return { services: { [`${service}-host`]: relay, [service]: proxy }, volumes: { [SOCKET_VOLUME]: tmpfsVolume() } };
}

/** `thisHost`: what the relay calls this host's loopback. */
function backendOf(spec: ConnectedSpec, caFile: string, thisHost: string): Backend {
  const { address, ca } = spec;
  const name = isLoopback(address) && address.host !== "::1" ? thisHost : address.host;
  const target = `${name.includes(":") ? `[${name}]` : name}:${address.port}`;
  if (spec.question.path === undefined) return { lines: [`server remote ${target}`], retrySeconds: 5 };
  return {
    retrySeconds: 5,
    lines: [...httpLines(spec), `server remote ${target}${tlsOf(spec, caFile)}`],
    ...(ca === undefined ? {} : { file: { path: caFile, text: ca } }),
  };
}

/** A request as the server itself would be asked: by its own name, below its prefix. Nothing is held back on the way. */
function httpLines({ address, hasToken }: ConnectedSpec): string[] {
  return [
    "mode http",
    "timeout tunnel 24d",
    "option http-no-delay",
    "http-reuse never",
    `http-request set-header Host ${authorityOf(address)}`,
    ...(address.path === "" ? [] : [`http-request set-path ${address.path}%[path]`]),
    ...(hasToken ? [`http-request set-header Authorization "Bearer %[env(${TOKEN})]"`] : []),
  ];
}

function tlsOf({ address, isInsecure, ca }: ConnectedSpec, caFile: string): string {
  if (address.scheme !== "https") return "";
  // an address is no name to ask for
  const name = /^[\d.]+$|:/.test(address.host) ? "" : ` sni str(${address.host})`;
  if (isInsecure) return ` ssl verify none alpn http/1.1${name}`;
  return ` ssl verify required ca-file ${ca === undefined ? "@system-ca" : caFile} alpn http/1.1${name} verifyhost ${address.host}`;
}
