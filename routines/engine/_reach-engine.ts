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
  if (url.protocol === "ssh:") return sshAddress(url);
  const address: EngineAddress = { host: url.hostname, port: Number(url.port || (certificates === undefined ? 2375 : 2376)) };
  if (certificates === undefined) return { ...address, protocol: "http" };
  return { ...address, protocol: "https", ...readCertificates(certificates) };
}

/** What is not said ssh takes from its own configuration. */
function sshAddress({ hostname, port, username, pathname }: URL): EngineAddress {
  return {
    protocol: "ssh",
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    ...(port === "" ? {} : { port: Number(port) }),
    ...(username === "" ? {} : { username: decodeURIComponent(username) }),
    ...(pathname === "" || pathname === "/" ? {} : { remoteSocket: decodeURIComponent(pathname) }),
  };
}

function parseHost(host: string): URL {
  if (URL.canParse(host)) return new URL(host);
  throw new HarborError(`Cannot connect to "${host}": it is no address of an engine`, {
    exit: "usage",
    hint: "Set DOCKER_HOST to unix:///path, tcp://host:port or ssh://host",
  });
}

function readCertificates(folder: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (name: string): Buffer => readCertificate(join(folder, name));
  return { ca: read("ca.pem"), cert: read("cert.pem"), key: read("key.pem") };
}

function readCertificate(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new HarborError(`Cannot read the certificate "${file}": ${isAbsent ? "there is no such file" : (cause as Error).message}`, {
      exit: "missing",
      cause,
      hint: "Name the folder with ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH, or unset DOCKER_TLS_VERIFY",
    });
  }
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
  const state = wordState(cause as EngineTrouble);
  return new HarborError(`Cannot reach a container engine at ${where}: ${state}`, { exit: "missing", cause, hint: startHint(endpoint) });
}

/** What a question to the engine rejects with: an answer that says no has a status, a broken connection a code. */
interface EngineTrouble extends Error {
  statusCode?: number;
  code?: string | number;
}

function wordState(trouble: EngineTrouble): string {
  if (isSilence(trouble)) return "it does not answer";
  if (trouble.code === "ECONNREFUSED" || trouble.code === "ENOENT") return "nothing listens there";
  if (trouble.code === "ECONNRESET" || trouble.code === "EPIPE") return "it closed the connection in the middle";
  return trouble.statusCode === undefined ? trouble.message : wordAnswer(trouble);
}

function isSilence(trouble: Error): boolean {
  return trouble.name === "AbortError" || trouble.name === "TimeoutError";
}

/** dockerode puts words of its own around the engine's message. */
function wordAnswer({ message, statusCode }: EngineTrouble): string {
  const said = message.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim();
  return `it answers ${statusCode}${said === "" ? "" : `: ${said}`}`;
}

/** Codes of an engine that is not there any more, or may not be spoken to. */
const UNREACHABLE = ["ECONNREFUSED", "ENOENT", "EACCES", "EPERM", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"];

/**
 * What goes wrong while an engine that was there is asked, as an error for a person: what it answers, or
 * why it does not. What is neither comes back as it is.
 */
export function explainQuestionError(endpoint: Endpoint, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof HarborError) return error;
  const trouble: EngineTrouble = error;
  if (UNREACHABLE.includes(String(trouble.code))) return explainEngineError(endpoint, error);
  if (trouble.statusCode === undefined && !isSilence(trouble) && !isConnectionCode(trouble.code)) return error;
  return new HarborError(`Cannot use the container engine at ${describeEndpoint(endpoint)}: ${wordState(trouble)}`, {
    cause: error,
    hint: "The engine's own log may say why; native services need no engine",
  });
}

/** The system's, a parser's (`Malformed_HTTP_Response`), TLS's (`CERT_HAS_EXPIRED`); not `ERR_…`, which a wrong call of ours gets. */
function isConnectionCode(code: unknown): boolean {
  return typeof code === "string" && !/^ERR_(?!TLS_|SSL_)/.test(code);
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
