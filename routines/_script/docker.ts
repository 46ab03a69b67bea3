/**
 * Speaking to a container engine. What is asked often (is it there, what runs, what did it write) is
 * plain HTTP through Bun's own fetch, in 2 ms; for all else there is dockerode, loaded at its first
 * use: that takes 60 to 150 ms, most of it for BuildKit sessions and ssh, which are left out.
 */
import { createRequire } from "node:module";
import type Dockerode from "dockerode";
import { openSshRelay, type SshRelay } from "./_ssh-relay.ts";

export type EngineApi = Dockerode;

/** How the API is reached: a unix socket or named pipe, or a host. */
export interface EngineAddress {
  socketPath?: string;
  protocol?: "http" | "https" | "ssh";
  host?: string;
  port?: number;
  username?: string;
  /** Over ssh: the engine's socket over there, where it is not the usual one. */
  remoteSocket?: string;
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

type Query = Record<string, string | number | boolean | object>;

export interface EngineClient {
  /** dockerode, for what changes something. */
  readonly api: EngineApi;
  /** What the engine answers to a GET; an answer other than 200 rejects with its `statusCode`. */
  get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T>;
  /** The same, as the bytes come. */
  stream(path: string, query?: Query, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/** A client of the engine at this address; nothing is sent or loaded yet. */
export function createEngineClient(address: EngineAddress): EngineClient {
  let api: EngineApi | undefined;
  let relay: SshRelay | undefined;
  const near = (): EngineAddress => {
    if (address.protocol !== "ssh") return address;
    relay ??= openSshRelay({ ...address, host: address.host ?? "" });
    return { socketPath: relay.socketPath };
  };
  const loadApi = (): EngineApi => {
    api ??= createEngineApi(near());
    return api;
  };
  const ask: Open = (...request) =>
    process.platform === "win32" ? openByDockerode(loadApi(), ...request) : openByFetch(near(), ...request);
  const open: Open = (...request) =>
    ask(...request).catch((cause: Error & { statusCode?: number }) => {
      const said = cause.statusCode === undefined ? relay?.said() : undefined;
      throw said === undefined ? cause : Object.assign(new Error(said, { cause }), { code: "ESSH" });
    });
  return {
    get api() {
      return loadApi();
    },
    async get<T>(path: string, query: Query = {}, signal?: AbortSignal) {
      const body = await open(path, query, signal);
      return parseAnswer<T>(Buffer.concat(await Array.fromAsync(body)).toString());
    },
    stream: (path, query = {}, signal) => open(path, query, signal),
  };
}

/** Something else may listen where an engine should: its answer fails as a broken connection does. */
function parseAnswer<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw Object.assign(new Error("what it answers is no JSON", { cause }), { code: "EPROTO" });
  }
}

type Open = (path: string, query: Query, signal: AbortSignal | undefined) => Promise<AsyncIterable<Uint8Array>>;

async function openByFetch(
  { socketPath, host, port, protocol, ca, cert, key }: EngineAddress,
  ...[path, query, signal]: Parameters<Open>
): ReturnType<Open> {
  const origin = socketPath === undefined ? `${protocol ?? "http"}://${host}:${port}` : "http://engine";
  const response = await fetch(`${origin}${path}?${formatQuery(query)}`, {
    ...(socketPath === undefined ? {} : { unix: socketPath }),
    ...(key === undefined ? {} : { tls: { ca, cert, key } }),
    ...(signal === undefined ? {} : { signal }),
    // A connection that was left in the middle of a followed log is not to be used again.
    keepalive: false,
    // A log may be silent for hours; fetch gives up after five minutes.
    timeout: false,
  });
  if (response.ok) return response.body ?? emptyBody();
  throw Object.assign(new Error(await readMessage(response)), { statusCode: response.status });
}

async function* emptyBody(): AsyncGenerator<Uint8Array> {}

async function readMessage(response: Response): Promise<string> {
  const text = await response.text();
  try {
    return String((JSON.parse(text) as { message?: unknown }).message ?? text);
  } catch {
    return text; // not every proxy before an engine speaks JSON
  }
}

function formatQuery(query: Query): string {
  const entries = Object.entries(query).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  return new URLSearchParams(Object.fromEntries(entries)).toString();
}

type Dial = (request: object, done: (error: Error | null, stream: AsyncIterable<Uint8Array>) => void) => void;

function openByDockerode(api: EngineApi, ...[path, options, abortSignal]: Parameters<Open>): ReturnType<Open> {
  const request = {
    path: `${path}?`,
    method: "GET",
    options,
    isStream: true,
    abortSignal,
    statusCodes: { 200: true, 404: "not found", 500: "server error" },
  };
  return new Promise((resolve, reject) => {
    (api.modem as { dial: Dial }).dial(request, (error, stream) => (error ? reject(error) : resolve(stream)));
  });
}

function createEngineApi(address: EngineAddress): EngineApi {
  const load = createRequire(import.meta.url);
  const beside = createRequire(load.resolve("dockerode"));
  leaveOut(load, beside.resolve("./session.js"));
  leaveOut(load, createRequire(beside.resolve("docker-modem")).resolve("ssh2"));
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

/** Puts an empty module in the place of one that is not needed, unless it is loaded already. */
function leaveOut(load: NodeJS.Require, path: string): void {
  load.cache[path] ??= { id: path, filename: path, path, exports: {}, loaded: true, children: [], paths: [] } as unknown as NodeJS.Module;
}
