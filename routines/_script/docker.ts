/**
 * The one place that loads dockerode, and only when an engine is really spoken to.
 *
 * As it comes it takes 110 to 160 ms to load, most of it for two things Harbor never asks of it:
 * BuildKit sessions (grpc, protobuf) and ssh. Both are left out, which saves 100 ms; ssh comes back
 * where the endpoint is an ssh one.
 */
import { createRequire } from "node:module";
import type Dockerode from "dockerode";

export type EngineApi = Dockerode;

/** How the API is reached: a unix socket or named pipe, or a host. */
export interface EngineAddress {
  socketPath?: string;
  protocol?: "http" | "https" | "ssh";
  host?: string;
  port?: number;
  username?: string;
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/** A client of the engine at this address; nothing is sent yet. */
export function createEngineApi(address: EngineAddress): EngineApi {
  const load = createRequire(import.meta.url);
  const entry = load.resolve("dockerode");
  leaveOut(load, createRequire(entry).resolve("./session.js"));
  if (address.protocol !== "ssh") leaveOut(load, createRequire(createRequire(entry).resolve("docker-modem")).resolve("ssh2"));
  const Docker = load("dockerode") as typeof Dockerode;
  // What is not named here dockerode would take from DOCKER_HOST, even beside a socketPath.
  const nothing = {
    host: undefined,
    port: undefined,
    username: undefined,
    protocol: "http",
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  return new Docker({ ...nothing, ...address } as Dockerode.DockerOptions);
}

/** dockerode's types forget that these take an abort signal. */
type Ask<T> = (options: { abortSignal: AbortSignal }) => Promise<T>;

/** Rejects unless the engine answers. */
export async function pingEngine(api: EngineApi, abortSignal: AbortSignal): Promise<void> {
  await (api.ping as unknown as Ask<unknown>).call(api, { abortSignal });
}

export interface VersionAnswer {
  Version: string;
  Platform?: { Name?: string };
  Components?: { Name: string }[];
}

/** Which engine it is; fast, unlike `/info`. */
export function askVersion(api: EngineApi, abortSignal: AbortSignal): Promise<VersionAnswer> {
  return (api.version as unknown as Ask<VersionAnswer>).call(api, { abortSignal });
}

export interface InfoAnswer {
  OperatingSystem?: string;
  SecurityOptions?: string[] | null;
  Name?: string;
}

/** What machine it runs on. */
export function askInfo(api: EngineApi, abortSignal: AbortSignal): Promise<InfoAnswer> {
  return (api.info as unknown as Ask<InfoAnswer>).call(api, { abortSignal });
}

/** Puts an empty module in the place of one that is not needed, unless it is loaded already. */
function leaveOut(load: NodeJS.Require, path: string): void {
  load.cache[path] ??= { id: path, filename: path, path, exports: {}, loaded: true, children: [], paths: [] } as unknown as NodeJS.Module;
}

/** One GET whose answer is read as it comes; dockerode's own `logs` reads a log that does not follow whole, and may take it for JSON. */
export function openStream(
  api: EngineApi,
  path: string,
  options: Record<string, string | number | boolean>,
  signal?: AbortSignal,
): Promise<NodeJS.ReadableStream> {
  const request = {
    path: `${path}?`,
    method: "GET",
    options,
    isStream: true,
    abortSignal: signal,
    statusCodes: { 200: true, 404: "not found", 500: "server error" },
  };
  return new Promise((resolve, reject) => {
    (api.modem as { dial: Dial }).dial(request, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}

type Dial = (request: object, done: (error: Error | null, stream: NodeJS.ReadableStream) => void) => void;
