/**
 * The socket. Bun shows one certificate for as long as it listens: for a renewed one it listens anew on the same port, in the same turn, and
 * those that are connected go on as they were.
 */
import { fingerprintOf, readPair, type TlsFiles, type TlsPair } from "./tls.ts";

export interface ListenerOptions {
  /** Undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  /** Begins to listen; port 0 takes a free one. */
  readonly serve: (port: number, tls: TlsPair | undefined) => Bun.Server<undefined>;
  readonly port: number;
  readonly complain: (problem: string) => void;
  /** Between two looks at the files. */
  readonly lookMs?: number;
}

const LOOK_MS = 30_000;

export class Listener {
  readonly #options: ListenerOptions;
  /** The last one listens, those before it have requests under way. */
  readonly #servers = new Set<Bun.Server<undefined>>();
  #current: Bun.Server<undefined>;
  #seen = "";
  #complained = "";
  #timer: Timer | undefined;

  /** Listens. Throws where the port is taken, or the certificate is not good. */
  constructor(options: ListenerOptions) {
    this.#options = options;
    const { tls, port, lookMs = LOOK_MS } = options;
    const pair = tls === undefined ? undefined : this.#read(tls);
    this.#current = options.serve(port, pair);
    this.#servers.add(this.#current);
    if (tls !== undefined) this.#timer = setInterval(() => this.renew(), lookMs);
  }

  get url(): string {
    return this.#current.url.origin;
  }

  get port(): number {
    return this.#current.port ?? 0;
  }

  /** Takes renewed files. What is wrong with them is said once, and the ones before stay. */
  renew(): void {
    const { tls, serve, complain } = this.#options;
    if (tls === undefined || fingerprintOf(tls) === this.#seen) return;
    const before = this.#current;
    const { port } = this;
    try {
      const pair = this.#read(tls);
      // its port is free at once; requests that are under way end by themselves
      void before.stop().finally(() => this.#servers.delete(before));
      this.#current = serve(port, pair);
      this.#servers.add(this.#current);
      this.#complained = "";
    } catch (error) {
      const problem = `the certificate is not renewed: ${(error as Error).message}`;
      if (problem !== this.#complained) complain(problem);
      this.#complained = problem;
    }
  }

  /** At once, or when what is under way has ended, at the latest after that time. */
  async stop(drainMs: number): Promise<void> {
    clearInterval(this.#timer);
    const servers = [...this.#servers];
    const timer = setTimeout(() => void servers.map((server) => server.stop(true)), drainMs);
    await Promise.all(servers.map((server) => server.stop(drainMs === 0)));
    clearTimeout(timer);
  }

  #read(tls: TlsFiles): TlsPair {
    const seen = fingerprintOf(tls);
    const pair = readPair(tls, Date.now());
    if (pair.caution !== undefined) this.#options.complain(pair.caution);
    this.#seen = seen;
    return pair;
  }
}
