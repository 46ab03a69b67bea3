/**
 * Stands in front of a service that is stopped when nobody talks to it: listens on the service's port for it, hands
 * each connection on to the port where the process really listens, and holds those that come while it does not run.
 */
import type { Server, Socket } from "node:net";

export interface FrontOptions {
  /** Of 127.0.0.1. */
  port: number;
  /** Somebody has connected, and nothing is there to hand that on to. */
  onHeld: () => void;
}

/** One connection, and when each side last said something. */
interface Talk {
  client: Socket;
  upstream?: Socket;
  clientMs: number;
  serverMs: number;
  /** Neither has said anything yet. */
  isSilent: boolean;
}

/** What the system holds for us before we have looked. */
const BACKLOG = 1024;
const KEEPALIVE_MS = 30_000;

export class Front {
  readonly #options: FrontOptions;
  readonly #server: Server;
  readonly #connect: (port: number) => Socket;
  readonly #talks = new Set<Talk>();
  #target: number | undefined;
  #quietSinceMs = performance.now();

  private constructor(options: FrontOptions, server: Server, connect: (port: number) => Socket) {
    this.#options = options;
    this.#server = server;
    this.#connect = connect;
    // of a listening socket: nobody is to be brought down by a connection that could not be taken
    server.on("error", () => undefined);
    server.on("connection", (client: Socket) => this.#take(client));
  }

  /** Throws where the port is taken. Loads its part of node only for services that sleep. */
  static async open(options: FrontOptions): Promise<Front> {
    const { connect, createServer } = await import("node:net");
    // paused: what the client says waits in the system until somebody is there to hear it
    const server = createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_MS,
    });
    const front = new Front(options, server, (port) => connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true }));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: "127.0.0.1", port: options.port, backlog: BACKLOG }, resolve);
    });
    return front;
  }

  get port(): number {
    return this.#options.port;
  }

  /** Where it is ready, from now on; undefined while it is not. What was held is handed on. */
  leadTo(port: number | undefined): void {
    // one that answers as before, be it in another state, has not begun to be quiet anew
    if (port !== this.#target) this.#quietSinceMs = performance.now();
    this.#target = port;
    if (port !== undefined) for (const talk of this.#talks) this.#join(talk, port);
  }

  /**
   * The process is gone. The system ends its connections, but for those that a server had not taken yet as nothing came
   * on them (TCP_DEFER_ACCEPT): these would last until somebody says something, and break then.
   */
  cutSilent(): void {
    for (const { upstream, isSilent } of this.#talks) if (isSilent) upstream?.destroy();
  }

  /** Whether somebody waits for it to run. */
  get isHolding(): boolean {
    return [...this.#talks].some(({ upstream }) => upstream === undefined);
  }

  /** How long nobody has said anything; 0 while an answer is waited for. */
  quietMs(): number {
    let latestMs = this.#quietSinceMs;
    for (const { clientMs, serverMs } of this.#talks) {
      if (clientMs > serverMs) return 0;
      latestMs = Math.max(latestMs, serverMs);
    }
    return performance.now() - latestMs;
  }

  close(): void {
    this.#server.close();
    for (const { client, upstream } of this.#talks) {
      client.destroy();
      upstream?.destroy();
    }
  }

  #take(client: Socket): void {
    const nowMs = performance.now();
    // one that says nothing waits for no answer: browsers and pools connect in advance
    const talk: Talk = { client, clientMs: nowMs, serverMs: nowMs, isSilent: true };
    this.#talks.add(talk);
    client.on("error", () => client.destroy());
    client.on("close", () => {
      talk.upstream?.destroy();
      this.#talks.delete(talk);
      this.#quietSinceMs = performance.now();
    });
    if (this.#target === undefined) this.#options.onHeld();
    else this.#join(talk, this.#target);
  }

  #join(talk: Talk, port: number): void {
    const { client } = talk;
    if (talk.upstream !== undefined || client.destroyed) return;
    const upstream = this.#connect(port);
    talk.upstream = upstream;
    upstream.on("error", () => client.destroy());
    upstream.on("close", () => client.destroySoon());
    client.on("data", () => {
      talk.clientMs = performance.now();
      talk.isSilent = false;
    });
    upstream.on("data", () => {
      talk.serverMs = performance.now();
      talk.isSilent = false;
    });
    client.pipe(upstream);
    upstream.pipe(client);
    client.resume();
  }
}
