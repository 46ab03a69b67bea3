/** From an endpoint to an address, and from what went wrong there to an error a person can act on. */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineAddress } from "../_script/docker.ts";
import { HarborError } from "../_script/error.ts";
import type { Endpoint } from "./find-endpoint.ts";

/** dockerode's words for where a host is. */
export function addressOf({ host, certificates }: Endpoint): EngineAddress {
  const path = /^(?:unix|npipe):\/\/(.+)$/.exec(host)?.[1];
  if (path !== undefined) return { socketPath: path };
  const url = parseHost(host);
  const address: EngineAddress = { host: url.hostname, port: Number(url.port || (certificates === undefined ? 2375 : 2376)) };
  if (url.protocol === "ssh:")
    return { ...address, protocol: "ssh", port: Number(url.port || 22), ...(url.username ? { username: url.username } : {}) };
  if (certificates === undefined) return { ...address, protocol: "http" };
  return { ...address, protocol: "https", ...readCertificates(certificates) };
}

function parseHost(host: string): URL {
  if (URL.canParse(host)) return new URL(host);
  throw new HarborError(`Cannot connect to "${host}": it is no address of an engine`, {
    exit: "usage",
    hint: "Set DOCKER_HOST to unix:///path, tcp://host:port or ssh://host",
  });
}

function readCertificates(folder: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (name: string): Buffer => readFileSync(join(folder, name));
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
}

/** Why an engine could not be spoken to, by what is there rather than by the error's words. */
export function explainEngineError(endpoint: Endpoint, cause: unknown): HarborError {
  if (cause instanceof HarborError) return cause;
  const socket = /^unix:\/\/(.+)$/.exec(endpoint.host)?.[1];
  const code = (cause as NodeJS.ErrnoException).code;
  const where = describeEndpoint(endpoint);
  if (code === "EACCES" || (socket !== undefined && existsSync(socket) && !isUsable(socket))) {
    return new HarborError(`Cannot use the container engine at ${where}: no permission on its socket`, {
      exit: "missing",
      cause,
      hint: permissionHint(socket),
    });
  }
  const isSilent = cause instanceof Error && (cause.name === "AbortError" || cause.name === "TimeoutError");
  const state = isSilent
    ? "it does not answer"
    : code === "ECONNREFUSED" || code === "ENOENT"
      ? "nothing listens there"
      : (cause as Error).message;
  return new HarborError(`Cannot reach a container engine at ${where}: ${state}`, { exit: "missing", cause, hint: startHint(endpoint) });
}

function isUsable(socket: string): boolean {
  try {
    accessSync(socket, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function describeEndpoint({ host, origin, context }: Endpoint): string {
  return origin === "context" ? `${host} (docker context "${context}")` : origin === "DOCKER_HOST" ? `${host} (DOCKER_HOST)` : host;
}

function permissionHint(socket = "its socket"): string {
  return `Join the group that owns ${socket} (on Linux: \`sudo usermod -aG docker "$USER"\`, then log in again), or use rootless Docker`;
}

function startHint({ origin }: Endpoint): string {
  if (origin === "DOCKER_HOST") return "Start that engine, or unset DOCKER_HOST; native services need none";
  if (origin === "context") return "Start that engine, or choose another with `docker context use`; native services need none";
  const start = process.platform === "linux" ? "install and start Docker (`sudo systemctl start docker`)" : "start Docker Desktop";
  return `To run containers, ${start}; native services need none`;
}
