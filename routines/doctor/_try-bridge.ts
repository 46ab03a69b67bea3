/**
 * Whether containers reach this host, tried with real connections: something of ours listens for a moment, and containers of an
 * image that is here connect to it by the ways that Harbor uses. Nothing is pulled, and nothing of it is left.
 */
import { PROXY_IMAGE } from "../compose/write-proxy.ts";
import type { Values } from "../config/read-values.ts";
import type { Engine } from "../engine/connect-engine.ts";
import type { EngineKind } from "../engine/detect-engine-kind.ts";
import { findGateway } from "../host/find-gateway.ts";

export interface BridgeTrial {
  /** Why nothing could be tried. */
  skipped?: string;
  image?: string;
  /** `relay`: the host's own network to 127.0.0.1. `gateway`: a container's network to the host's address in it. */
  ways: { way: "relay" | "gateway"; address: string; isReached: boolean; problem?: string }[];
  /** Whether a container knows the name that was asked for; undefined where none could say. */
  resolves?: boolean;
}

export interface TryBridgeOptions {
  engine: Engine;
  kind: EngineKind;
  values: Values;
  /** A name that a container is to look up. */
  name: string;
  signal: AbortSignal;
}

/** A connection within one machine takes milliseconds; what a firewall drops takes all of this. */
const PATIENCE_MS = 2_000;
/** For the engine to start a container. */
const START_MS = 2_000;

export async function tryBridge(options: TryBridgeOptions): Promise<BridgeTrial> {
  const { kind, engine, values, signal } = options;
  if (kind === "remote" || kind === "rootless") return { skipped: `a ${kind} engine's containers do not reach this host`, ways: [] };
  const image = await findImage(engine, values, signal);
  if (image === undefined) return { skipped: "no image is here to try it with, and none is pulled for it", ways: [] };
  await removeAbandoned(engine);
  const done = await Promise.all(kind === "linux" ? [tryRelay(options, image), tryGateway(options, image)] : [tryGateway(options, image)]);
  const resolves = done.map((it) => it.resolves).find((it) => it !== undefined);
  return { image, ways: done.map(({ resolves: _, ...way }) => way), ...(resolves === undefined ? {} : { resolves }) };
}

/** Small ones with a shell and wget, busybox's as a rule; the proxy's own first. */
const SUITABLE = /(?:^|\/)(?:alpine|busybox|socat|haproxy:[^:]*alpine[^:]*)(?::|$)/;

async function findImage(engine: Engine, values: Values, signal: AbortSignal): Promise<string | undefined> {
  const images = await engine.get<{ RepoTags?: string[] | null }[]>("/images/json", {}, signal);
  const tags = images.flatMap((image) => image.RepoTags ?? []).filter((tag) => !tag.includes("<none>"));
  const { name, version } = PROXY_IMAGE;
  const proxy = `${values.get("HARBOR_PROXY_IMAGE") || name}:${values.get("HARBOR_PROXY_VERSION") || version}`;
  return tags.find((tag) => tag === proxy) ?? tags.find((tag) => SUITABLE.test(tag));
}

interface Way {
  way: Tried["way"];
  listenOn: string;
  connectTo: string;
  /** The container's. */
  network: string;
}

type Tried = BridgeTrial["ways"][number] & { resolves?: boolean };

function tryRelay(options: TryBridgeOptions, image: string): Promise<Tried> {
  return tryWay(options, image, { way: "relay", listenOn: "127.0.0.1", connectTo: "127.0.0.1", network: "host" });
}

/** From a network like that of a stack: a firewall may treat the engine's own bridge otherwise. */
async function tryGateway(options: TryBridgeOptions, image: string): Promise<Tried> {
  const { engine, kind } = options;
  const gateway = kind === "linux" ? findGateway() : undefined;
  const connectTo = kind === "linux" ? (gateway ?? "") : "host.docker.internal";
  if (connectTo === "") return { way: "gateway", address: "", isReached: false, problem: "the engine has no bridge of its own (docker0)" };
  const name = `harbor-doctor-${crypto.randomUUID().slice(0, 8)}`;
  const network = await engine.api.createNetwork({ Name: name, Driver: "bridge", Labels: LABEL });
  try {
    return await tryWay(options, image, { way: "gateway", listenOn: gateway ?? "127.0.0.1", connectTo, network: name });
  } finally {
    await orNothing(network.remove());
  }
}

const LABEL = { "harbor.doctor": "bridge" };
const ABANDONED_MS = 60_000;

/** What one left that was killed: its containers end by themselves, unless they were never started. */
async function removeAbandoned({ api }: Engine): Promise<void> {
  const before = Date.now() - ABANDONED_MS;
  const filters = { label: Object.entries(LABEL).map((pair) => pair.join("=")) };
  const [containers, networks] = await Promise.all([api.listContainers({ all: true, filters }), api.listNetworks({ filters })]);
  const old = containers.filter(({ Created: seconds }) => seconds * 1000 < before);
  await Promise.all(old.map(({ Id: id }) => orNothing(api.getContainer(id).remove({ force: true }))));
  const oldNetworks = networks.filter(({ Created: created }) => Date.parse(created) < before);
  await Promise.all(oldNetworks.map(({ Id: id }) => orNothing(api.getNetwork(id).remove())));
}

/** Somebody else was quicker, or the next look will be. */
async function orNothing(removal: Promise<unknown>): Promise<void> {
  await removal.catch(() => undefined);
}

async function tryWay(options: TryBridgeOptions, image: string, { way, listenOn, connectTo, network }: Way): Promise<Tried> {
  const { engine, name, signal } = options;
  const tried: Tried = { way, address: connectTo, isReached: false };
  const end = Promise.withResolvers<void>();
  using listener = listen(listenOn, (word) => {
    if (word === "hello") tried.isReached = true;
    if (word === "yes" || word === "no") tried.resolves = word === "yes";
    if (word === "bye") end.resolve();
  });
  if (listener.problem !== undefined) return { ...tried, problem: listener.problem };
  const script = scriptOf(`http://${connectTo}:${listener.port}/${listener.token}`, way === "gateway" ? name : undefined);
  const container = await engine.api.createContainer({
    Image: image,
    Entrypoint: ["/bin/sh", "-c"],
    Cmd: [script],
    User: "65534:65534",
    Labels: LABEL,
    HostConfig: {
      NetworkMode: network,
      AutoRemove: true,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      ...(connectTo === "host.docker.internal" ? { ExtraHosts: ["host.docker.internal:host-gateway"] } : {}),
    },
  });
  const timer = setTimeout(() => {
    if (!tried.isReached) tried.problem = `the engine did not start a container within ${(START_MS + PATIENCE_MS) / 1000} s`;
    end.resolve();
  }, START_MS + PATIENCE_MS);
  signal.addEventListener("abort", () => end.resolve(), { once: true });
  try {
    await container.start();
    // it says goodbye, or it ends without a word
    void container.wait().then(
      () => end.resolve(),
      () => end.resolve(),
    );
    await end.promise;
  } finally {
    clearTimeout(timer);
    await orNothing(container.remove({ force: true })); // it removes itself where we do not
  }
  return tried;
}

interface Listening extends Disposable {
  port: number;
  /** Nobody else's connection counts. */
  token: string;
  /** Why nothing listens. */
  problem?: string;
}

function listen(hostname: string, hear: (word: string) => void): Listening {
  const token = crypto.randomUUID();
  try {
    const server = Bun.serve({
      hostname,
      port: 0,
      fetch: ({ url }) => {
        const [, first, word = ""] = new URL(url).pathname.split("/");
        if (first === token) hear(word);
        return new Response("", { status: first === token ? 200 : 404 });
      },
    });
    return { port: server.port ?? 0, token, [Symbol.dispose]: () => void server.stop(true) };
  } catch (error) {
    return { port: 0, token, problem: `nothing can listen on ${hostname}: ${(error as Error).message}`, [Symbol.dispose]: () => undefined };
  }
}

/** `-Y off`: the engine may hand a proxy to its containers. The url and the name have no character that a shell minds. */
function scriptOf(url: string, name: string | undefined): string {
  const seconds = PATIENCE_MS / 1000;
  const say = (word: string): string => `timeout ${seconds} wget -Y off -q -O /dev/null ${url}/${word}`;
  const ask = `if timeout 1 nslookup ${name} 2> /dev/null | grep -q '^Name:'; then ${say("yes")}; else ${say("no")}; fi`;
  return `${say("hello")} || exit 1\n${name === undefined ? "" : ask}\n${say("bye")}\n`;
}
