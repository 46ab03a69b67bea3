#!/usr/bin/env bun
/**
 * Find where the container engine listens, as docker itself would: DOCKER_HOST, the current context,
 * the usual socket; then the sockets of engines that docker's command line must be told about.
 *
 *   bun routines/engine/find-endpoint.ts --json
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";
import { runScript } from "../_script/script.ts";

type Env = Record<string, string | undefined>;

export interface FindEndpointOptions {
  env: Env;
  platform?: NodeJS.Platform;
  /** The root of the file system that sockets are looked for in. */
  root?: string;
}

export interface Endpoint {
  /** `unix:///…`, `npipe://…`, `tcp://…` or `ssh://…`. */
  host: string;
  /** What named it. `found`: nothing did, so docker's own command line must be told. */
  origin: "DOCKER_HOST" | "context" | "default" | "found";
  /** The context's name, where it was one. */
  context?: string;
  /** A folder with ca.pem, cert.pem and key.pem. */
  certificates?: string;
}

/** Asks no engine. Throws `missing` for a context that does not exist. */
export function findEndpoint(options: FindEndpointOptions): Endpoint {
  const { env } = options;
  if (env.DOCKER_HOST) return fromDockerHost(env, env.DOCKER_HOST);
  const config = env.DOCKER_CONFIG || join(homeDirectory(env), ".docker");
  const context = env.DOCKER_CONTEXT || readCurrentContext(config);
  if (context !== undefined && context !== "default") return fromContext(config, context);
  return fromSockets(options);
}

function fromDockerHost(env: Env, host: string): Endpoint {
  const isTls = env.DOCKER_TLS_VERIFY !== undefined && env.DOCKER_TLS_VERIFY !== "";
  const certificates = isTls ? (env.DOCKER_CERT_PATH ?? join(homeDirectory(env), ".docker")) : undefined;
  return {
    host: host.includes("://") ? host : `tcp://${host}`,
    origin: "DOCKER_HOST",
    ...(certificates === undefined ? {} : { certificates }),
  };
}

function readCurrentContext(config: string): string | undefined {
  try {
    const { currentContext } = JSON.parse(readFileSync(join(config, "config.json"), "utf8")) as { currentContext?: string };
    return currentContext || undefined;
  } catch {
    return undefined; // none, or one that docker itself will complain of
  }
}

/** docker keeps a context in a folder named after the hash of its name. */
function fromContext(config: string, context: string): Endpoint {
  const hash = new Bun.CryptoHasher("sha256").update(context).digest("hex");
  const file = join(config, "contexts", "meta", hash, "meta.json");
  try {
    const meta = JSON.parse(readFileSync(file, "utf8")) as { Endpoints?: { docker?: { Host?: string } } };
    const host = meta.Endpoints?.docker?.Host;
    if (!host) throw new Error(`${file} names no docker host`);
    const certificates = join(config, "contexts", "tls", hash, "docker");
    return { host, origin: "context", context, ...(existsSync(certificates) ? { certificates } : {}) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new HarborError(`Cannot use docker context "${context}": ${code === "ENOENT" ? "there is no such context" : message}`, {
      exit: "missing",
      cause: error,
      hint: "Run `docker context ls`, then `docker context use <name>`",
    });
  }
}

const USUAL = "/var/run/docker.sock";

function fromSockets({ env, platform = process.platform, root = "/" }: FindEndpointOptions): Endpoint {
  if (platform === "win32") return { host: "npipe:////./pipe/docker_engine", origin: "default" };
  if (existsSync(join(root, USUAL))) return { host: `unix://${USUAL}`, origin: "default" };
  const found = otherSockets(env).find((socket) => existsSync(join(root, socket)));
  return found === undefined ? { host: `unix://${USUAL}`, origin: "default" } : { host: `unix://${found}`, origin: "found" };
}

/** Docker Desktop, OrbStack, Colima, Rancher Desktop, Lima, rootless Docker, then Podman's compatible sockets, of its machine first. */
function otherSockets(env: Env): string[] {
  const home = homeDirectory(env);
  const { COLIMA_HOME: colima, XDG_RUNTIME_DIR: runtime, TMPDIR: temporary } = env;
  return [
    join(home, ".docker/run/docker.sock"),
    join(home, ".docker/desktop/docker.sock"),
    join(home, ".orbstack/run/docker.sock"),
    ...(colima ? [join(colima, "default/docker.sock")] : []),
    join(home, ".colima/default/docker.sock"),
    // where there was no ~/.colima when it was first started
    join(env.XDG_CONFIG_HOME || join(home, ".config"), "colima/default/docker.sock"),
    join(home, ".rd/docker.sock"),
    join(home, ".lima/docker/sock/docker.sock"),
    ...(runtime ? [join(runtime, "docker.sock"), join(runtime, "podman/podman.sock")] : []),
    join(home, ".local/share/containers/podman/machine/podman.sock"),
    ...(temporary ? [join(temporary, "podman/podman-machine-default-api.sock")] : []),
    "/run/podman/podman.sock",
  ];
}

/** Addresses of all engines that have a socket here, whichever of them is used; a socket that several paths lead to comes once. */
export function listEndpoints({ env, platform = process.platform, root = "/" }: FindEndpointOptions): string[] {
  if (platform === "win32") return [];
  const seen = new Set<string>();
  const found = [USUAL, ...otherSockets(env)].filter((socket) => {
    const real = realPathOf(join(root, socket));
    return real !== undefined && !seen.has(real) && seen.add(real);
  });
  return found.map((socket) => `unix://${socket}`);
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // none, or a link to an engine that does not run
  }
}

/** What makes such an address, by the address and the context's name alone. */
const PRODUCTS: readonly (readonly [string, RegExp])[] = [
  ["Docker Desktop", /\/\.docker\/(?:run|desktop)\/|^desktop-linux$/],
  ["OrbStack", /\/\.orbstack\/|^orbstack$/],
  ["Colima", /\/\.?colima\/|^colima(?:-|$)/],
  ["Rancher Desktop", /\/\.rd\/|^rancher-desktop$/],
  ["Lima", /\/\.lima\/|^lima-/],
  ["Podman", /podman/],
  ["rootless Docker", /\/run\/user\/\d+\/docker\.sock$|^rootless$/],
];

/** Its name for a person; "Docker Engine" where nothing tells. */
export function productOf({ host, context = "" }: Pick<Endpoint, "host" | "context">): string {
  return PRODUCTS.find(([, marks]) => marks.test(host) || marks.test(context))?.[0] ?? "Docker Engine";
}

/** Whether the engine is another machine's: it has neither this host's folders nor its loopback. */
export function isRemote({ host }: Pick<Endpoint, "host">): boolean {
  if (host.startsWith("ssh://")) return true;
  const name = /^(?:tcp|https?):\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)/.exec(host)?.[1];
  return name !== undefined && !/^(?:localhost|127(?:\.\d+){3}|\[::1\]|)$/.test(name);
}

export const command = defineCommand({
  meta: { name: "find-endpoint", description: "Find where the container engine listens" },
  args: { ...jsonArg },
  run({ args }) {
    const endpoint = findEndpoint({ env: process.env });
    emit(endpoint, { json: args.json, render: (it) => `${it.host}\t${it.context ?? it.origin}` });
  },
});

if (import.meta.main) await runScript(command);
