/** The containers that make a service reachable, as a compose model: a front, a tunnel's connector, or both. */
type Service = Record<string, unknown>;

export interface FrontServiceOptions {
  handle: string;
  /** haproxy's. */
  image: string;
  /** Of its configuration and certificate, on this host. */
  folder: string;
  listens: { address: string; port: number };
  /** Whether the engine's containers can be in this host's own network. */
  sharesNetwork: boolean;
}

/** Where its files are in the container. */
export const FRONT_FOLDER = "/front";

/** As the user who can read its files, and no more than that. */
export function frontService({ handle, image, folder, listens, sharesNetwork }: FrontServiceOptions): Service {
  const { address, port } = listens;
  return {
    image,
    entrypoint: ["haproxy"],
    command: ["-f", `${FRONT_FOLDER}/haproxy.cfg`],
    ...hardened(handle),
    volumes: [{ type: "bind", source: folder.replaceAll("$", "$$$$"), target: FRONT_FOLDER, read_only: true }],
    ...(sharesNetwork
      ? { network_mode: "host" }
      : {
          ports: [{ target: port, published: String(port), host_ip: address, protocol: "tcp", mode: "host" }],
          extra_hosts: { "host.docker.internal": "host-gateway" },
        }),
  };
}

export interface ConnectorServiceOptions {
  handle: string;
  image: string;
  words: readonly string[];
  sharesNetwork: boolean;
}

/** Cloudflare's, which connects to the outside alone. */
export function connectorService({ handle, image, words, sharesNetwork }: ConnectorServiceOptions): Service {
  return {
    image,
    command: [...words],
    ...hardened(handle),
    // started anew it would have another name, which nobody knows
    restart: "no",
    ...(sharesNetwork ? { network_mode: "host" } : { extra_hosts: { "host.docker.internal": "host-gateway" } }),
  };
}

function hardened(handle: string): Service {
  const [uid, gid] = [process.getuid?.() ?? 1000, process.getgid?.() ?? 1000];
  return {
    user: `${uid}:${gid}`,
    init: true,
    read_only: true,
    cap_drop: ["ALL"],
    security_opt: ["no-new-privileges:true"],
    stop_signal: "SIGTERM",
    restart: "on-failure",
    labels: { "harbor.handle": handle, "harbor.reach": "front" },
  };
}
