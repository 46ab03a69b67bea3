/** Which instance a request goes to: of those that are well, the one with the least to do, or the next one in turn. */
import { causesOf } from "./health.ts";
import type { Component, Metrics } from "./registry.ts";

export type Strategy = "least-loaded" | "round-robin";

interface Load {
  /** Requests that go through the conductor to it right now. */
  underWay: number;
  /** Given to it since its last heartbeat, whose metrics do not know of them. */
  sinceBeat: number;
  beatAt: number | undefined;
  /** Nobody answered there: not tried before this moment of the steady clock, unless there is no other. */
  avoidedUntil: number;
}

/** Metrics that say how much it has to do, and what one more request is in each; the first that all candidates report counts. */
const LOADS: readonly { readonly name: string; readonly request: number }[] = [
  { name: "load", request: 0.01 },
  { name: "active_requests", request: 1 },
  { name: "queue_depth", request: 1 },
  { name: "cpu_percent", request: 1 },
];
const AVOIDED_MS = 5_000;

export class Balance {
  readonly #loads = new WeakMap<Component, Load>();
  readonly #turns = new Map<string, number>();
  readonly #steady: () => number;

  constructor(steady: () => number) {
    this.#steady = steady;
  }

  /** One of those that can take requests, in the best class there is; undefined where none can. `key`: whose turn it is is counted apart for each. */
  choose(
    key: string,
    candidates: readonly Component[],
    strategy: Strategy,
    tried: ReadonlySet<Component> = new Set(),
  ): Component | undefined {
    const able = candidates.filter((component) => !tried.has(component) && fitness(component) < UNFIT);
    const best = Math.min(...able.map((component) => this.#rank(component)));
    const equals = able.filter((component) => this.#rank(component) === best);
    const chosen = strategy === "round-robin" ? this.#next(key, equals) : this.#leastLoaded(key, equals);
    if (chosen !== undefined) this.#loadOf(chosen).sinceBeat++;
    return chosen;
  }

  /** A request goes to it; to be called again with what is returned when that has ended. */
  begin(component: Component): () => void {
    const load = this.#loadOf(component);
    load.underWay++;
    let isOver = false;
    return () => {
      if (!isOver) load.underWay--;
      isOver = true;
    };
  }

  /** Nobody answered there. */
  avoid(component: Component): void {
    this.#loadOf(component).avoidedUntil = this.#steady() + AVOIDED_MS;
  }

  #rank(component: Component): number {
    return fitness(component) + (this.#loadOf(component).avoidedUntil > this.#steady() ? UNFIT : 0);
  }

  #leastLoaded(key: string, candidates: readonly Component[]): Component | undefined {
    if (candidates.length < 2) return candidates[0];
    const measure = LOADS.find(({ name }) => candidates.every(({ metrics }) => metrics?.[name] !== undefined));
    const scores = candidates.map((component) => {
      const { sinceBeat, underWay } = this.#loadOf(component);
      if (measure === undefined) return underWay;
      return metricOf(component.metrics, measure.name) + sinceBeat * measure.request;
    });
    const least = Math.min(...scores);
    return this.#next(
      key,
      candidates.filter((_, index) => scores[index] === least),
    );
  }

  #next(key: string, candidates: readonly Component[]): Component | undefined {
    if (candidates.length < 2) return candidates[0];
    const turn = this.#turns.get(key) ?? 0;
    if (this.#turns.size > 10_000) this.#turns.clear();
    this.#turns.set(key, turn + 1);
    return candidates[turn % candidates.length];
  }

  #loadOf(component: Component): Load {
    const { beatAt } = component.health;
    const known = this.#loads.get(component);
    if (known === undefined) {
      const load = { underWay: 0, sinceBeat: 0, beatAt, avoidedUntil: 0 };
      this.#loads.set(component, load);
      return load;
    }
    if (known.beatAt !== beatAt) {
      known.beatAt = beatAt;
      known.sinceBeat = 0;
    }
    return known;
  }
}

const UNFIT = 3;

/**
 * 0 well, 1 just started, 2 works in part and says so; UNFIT where it would be no use: silent, gone, unwell by its own word or by
 * its health check. A request to one of these would wait for its timeout, so it is refused at once instead.
 */
function fitness({ health }: Component): number {
  if (health.state === "healthy") return 0;
  if (health.state === "starting") return 1;
  if (health.state !== "degraded") return UNFIT;
  return causesOf(health).every((cause) => cause === "reported degraded") ? 2 : UNFIT;
}

function metricOf(metrics: Metrics | null, name: string): number {
  return metrics?.[name] ?? 0;
}
