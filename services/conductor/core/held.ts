/**
 * What askers keep open: streams, routed requests, questions that wait for an answer. Bounded for each component and for all together. A
 * stream ends where its component may not have it any more: it has registered again, has left, or the access rules are others now.
 */
import { ConductorError } from "./conductor-error.ts";
import type { Component } from "./registry.ts";

/** Tells why, where whoever holds it is not to come back with the same token, and closes. */
type End = (reason?: string) => void;

interface Holding {
  readonly end: End | undefined;
}

export interface HeldLimits {
  readonly perComponent: number;
  readonly total: number;
}

export class Held {
  readonly #limits: HeldLimits;
  readonly #byOwner = new Map<Component, Set<Holding>>();
  #size = 0;

  constructor(limits: HeldLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /**
   * `owner`: undefined for the operator. `end`: called where it has to end before its time; what has none ends by itself. Returns what is to be
   * called when it has ended. Throws `rate_limited`.
   */
  hold(owner: Component | undefined, end?: End): () => void {
    const { perComponent, total } = this.#limits;
    const own = owner === undefined ? undefined : (this.#byOwner.get(owner) ?? new Set());
    if (own !== undefined && own.size >= perComponent) throw tooMany(`${owner?.id} keeps ${perComponent} connections open already`);
    if (this.#size >= total) throw tooMany(`${total} connections are kept open already`);
    const holding: Holding = { end };
    own?.add(holding);
    if (owner !== undefined && own !== undefined) this.#byOwner.set(owner, own);
    this.#size++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#size--;
      own?.delete(holding);
      if (owner !== undefined && own?.size === 0 && this.#byOwner.get(owner) === own) this.#byOwner.delete(owner);
    };
  }

  endOf(owner: Component, reason?: string): void {
    for (const { end } of [...(this.#byOwner.get(owner) ?? [])]) end?.(reason);
  }

  /** Of all components: whoever may have it still asks again. */
  endAll(): void {
    for (const owner of [...this.#byOwner.keys()]) this.endOf(owner);
  }
}

function tooMany(message: string): ConductorError {
  return new ConductorError("rate_limited", message, { hint: "close what nobody reads", details: { retry_after: 5 } });
}
