/** Asks components that gave a `health_check_url`, each once in a while, and says what came of it. */
import { connect } from "node:net";
import type { Clock } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import type { Component, Registry } from "./registry.ts";

export interface ChecksOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly report: (component: Component, isOk: boolean) => void;
}

const TICK_MS = 250;
const LEAST_MS = 2_000;
const TIMEOUT_MS = 2_000;
/** Under way at a time; the others wait. */
const AT_ONCE = 64;

export class Checks {
  readonly #options: ChecksOptions;
  readonly #deadlines: Deadlines;
  readonly #waiting: Component[] = [];
  #underWay = 0;
  #timer: Timer | undefined;

  constructor(options: ChecksOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock.steady());
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** One that has just registered, or was known. */
  watch(component: Component): void {
    if (component.healthCheck === null) this.#deadlines.clear(component.slot);
    else this.#deadlines.set(component.slot, this.#options.clock.steady() + pauseOf(component));
  }

  tick(): void {
    const { clock, registry } = this.#options;
    for (const slot of this.#deadlines.advance(clock.steady())) {
      const component = registry.at(slot);
      if (component !== undefined && component.healthCheck !== null) this.#waiting.push(component);
    }
    while (this.#underWay < AT_ONCE && this.#waiting.length > 0) void this.#check(this.#waiting.shift() as Component);
  }

  async #check(component: Component): Promise<void> {
    this.#underWay++;
    const { instance } = component;
    const isOk = await isAnswering(component.healthCheckUrl ?? "");
    this.#underWay--;
    const isStill = this.#options.registry.get(component.id) === component && component.instance === instance;
    if (!isStill) return;
    this.#options.report(component, isOk);
    this.watch(component);
  }
}

/**
 * An offline component is asked as well: it may be only its heartbeats that do not come through, and people see that. One of which
 * nothing else is heard is asked at once, and again soon while its checks say now this, now that.
 */
function pauseOf({ health }: Component): number {
  const { doesBeat, state, failedChecks, goodChecks } = health;
  if (!doesBeat && state === "starting" && failedChecks === 0) return 0;
  const isInDoubt = !doesBeat && (goodChecks > 0 || (failedChecks > 0 && state !== "degraded" && state !== "offline"));
  return isInDoubt ? LEAST_MS : Math.max(LEAST_MS, health.intervalMs);
}

function isAnswering(url: string): Promise<boolean> {
  return url.startsWith("tcp:") ? isListening(new URL(url)) : isWell(url);
}

/** Whoever takes connections there does; nothing is said. */
function isListening({ hostname, port }: URL): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
  const timer = setTimeout(() => resolve(false), TIMEOUT_MS);
  socket.on("connect", () => resolve(true));
  socket.on("error", () => resolve(false));
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** A redirection would lead to an address that nobody has checked. */
async function isWell(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    // by no proxy that the environment names: it would be the proxy's answer
    const answer = await fetch(url, { redirect: "manual", signal, keepalive: false, proxy: false } as unknown as BunFetchRequestInit);
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
