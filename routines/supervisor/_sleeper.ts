/**
 * The part of a unit that only services with `idle` have: a listener in front of the process, the port that the process
 * has instead, and the look at how long nobody has talked.
 */
import { parseDuration } from "../_script/duration.ts";
import { HarborError } from "../_script/error.ts";
import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import type { NativeSpec } from "../native/resolve-contract.ts";
import { Front } from "./_front.ts";
import { mayRun, type Service } from "./_service.ts";
import type { StoredService } from "./_store.ts";

export interface SleeperOptions {
  handle: string;
  /** Somebody has connected, and nothing runs that could answer. */
  onConnected: () => void;
  /** Nobody has talked for long enough. */
  onIdle: (why: string) => void;
}

const LOOK_MS = { shortest: 50, longest: 3_600_000 };

export class Sleeper {
  readonly #options: SleeperOptions;
  #front: Front | undefined;
  #idle: Timer | undefined;
  /** Where the process listens in this run: its hooks are told the same. */
  #place: { run: number; port: number | undefined } | undefined;

  constructor(options: SleeperOptions) {
    this.#options = options;
  }

  /** Where a process that runs already listens. */
  take(run: number, port: number | undefined): void {
    this.#place = { run, port };
  }

  /** For the process of this run; undefined for a service that does not sleep, which has its own. */
  portFor({ spec, run }: Pick<StoredService, "spec" | "run">): number | undefined {
    if (spec.idle === undefined) return undefined;
    if (this.#place?.run !== run) this.#place = { run, port: freePort() };
    return this.#place.port;
  }

  /** In front of the process, or nowhere: the port may be another than before, or the process's own. Throws where it is taken. */
  async standAt(port: number | undefined): Promise<void> {
    if (this.#front?.port !== port) {
      this.#front?.close();
      this.#front = undefined;
    }
    if (port !== undefined) this.#front ??= await this.#open(port);
  }

  async #open(port: number): Promise<Front> {
    const { handle, onConnected } = this.#options;
    const owner = findPortOwner({ port });
    if (owner !== undefined)
      throw new HarborError(`Cannot start "${handle}": port ${port} is taken by ${formatPortOwner(owner)}`, {
        hint: `Stop that process, or give "${handle}" another port`,
      });
    return Front.open({ port, onHeld: onConnected });
  }

  /** Whether connections are handed on, held or refused; `port` is where the process listens. */
  lead(service: Service, { idle }: NativeSpec, port: number | undefined): void {
    const { phase } = service;
    clearTimeout(this.#idle);
    if (this.#front === undefined || idle === undefined) return;
    if (!mayRun(service)) this.#front.cutSilent();
    this.#front.leadTo(phase === "up" ? port : undefined);
    if (phase === "up") this.#watch(parseDuration(idle.stop_after) ?? 0, idle.stop_after);
    else if (phase === "asleep" && this.#front.isHolding) this.#options.onConnected();
    else if (phase === "resting") this.close();
  }

  #watch(stopAfterMs: number, words: string): void {
    const leftMs = stopAfterMs - (this.#front?.quietMs() ?? 0);
    if (leftMs <= 0) this.#options.onIdle(`nobody has talked to it for ${words}; the next connection starts it`);
    else {
      const waitMs = Math.min(Math.max(leftMs, LOOK_MS.shortest), LOOK_MS.longest);
      this.#idle = setTimeout(() => this.#watch(stopAfterMs, words), waitMs);
    }
  }

  close(): void {
    clearTimeout(this.#idle);
    this.#front?.close();
    this.#front = undefined;
  }
}

/** The system picks one that nobody listens on. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  listener.stop(true);
  return listener.port;
}
