/** Requests that one component asks and another answers: who listens for which, and who waits for what. Nothing of it is kept. */
import { ConductorError } from "./conductor-error.ts";
import { matchesType } from "./match-type.ts";
import type { Component } from "./registry.ts";

export interface Asked {
  readonly id: string;
  readonly from: string;
  readonly type: string;
  readonly payload: unknown;
  readonly timeoutMs: number;
}

export interface Listener {
  readonly component: Component;
  /** Globs; none is all. */
  readonly types: readonly string[];
  /** False where it cannot be told: it reads too slowly. */
  readonly tell: (request: Asked) => boolean;
  /** Nobody waits for that any more. */
  readonly cancel: (id: string) => void;
}

/** What became of one. `gone`: the one that was asked went away, and nobody knows how far it got. */
export type Outcome =
  | { readonly kind: "answered"; readonly result: unknown }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "timeout" | "gone" | "not_told" | "abandoned" };

interface Pending {
  readonly listener: Listener;
  readonly settle: (outcome: Outcome) => void;
}

/** Of all components together. */
const PENDING = 10_000;

export class RequestDesk {
  readonly #listeners = new Map<Component, Listener[]>();
  readonly #pending = new Map<string, Pending>();

  /** From then on it is asked, the one that listened last first. Returns what ends that. */
  listen(listener: Listener): () => void {
    const { component } = listener;
    this.#listeners.set(component, [...(this.#listeners.get(component) ?? []), listener]);
    return () => this.#leave(listener);
  }

  listens(component: Component, type: string): boolean {
    return this.#find(component, type) !== undefined;
  }

  /** Asks one that `listens`. Throws `rate_limited` where too many wait already. */
  ask(component: Component, asked: Asked, signal: AbortSignal): Promise<Outcome> {
    const listener = this.#find(component, asked.type);
    if (listener === undefined) return Promise.resolve({ kind: "not_told" });
    if (this.#pending.size >= PENDING) {
      throw new ConductorError("rate_limited", `${PENDING} requests wait for answers already`, { details: { retry_after: 1 } });
    }
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abandon);
      this.#pending.delete(asked.id);
      if (outcome.kind === "timeout" || outcome.kind === "abandoned") listener.cancel(asked.id);
      resolve(outcome);
    };
    const abandon = (): void => settle({ kind: "abandoned" });
    const timer = setTimeout(() => settle({ kind: "timeout" }), asked.timeoutMs);
    this.#pending.set(asked.id, { listener, settle });
    signal.addEventListener("abort", abandon);
    if (!listener.tell(asked)) settle({ kind: "not_told" });
    if (signal.aborted) abandon();
    return promise;
  }

  /** By the one that was asked. Throws `unknown_request`, also for another's: ids are no secret to learn. */
  answer(component: Component, id: string, outcome: Outcome): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || pending.listener.component !== component) {
      throw new ConductorError("unknown_request", `${component.id} was asked no "${id}" that anybody waits for`, {
        hint: "its time is over, who asked has gone, or it is answered",
      });
    }
    pending.settle(outcome);
  }

  #find(component: Component, type: string): Listener | undefined {
    return this.#listeners.get(component)?.findLast(({ types }) => matchesType(types, type));
  }

  #leave(listener: Listener): void {
    const { component } = listener;
    const others = (this.#listeners.get(component) ?? []).filter((other) => other !== listener);
    if (others.length > 0) this.#listeners.set(component, others);
    else this.#listeners.delete(component);
    for (const pending of [...this.#pending.values()]) if (pending.listener === listener) pending.settle({ kind: "gone" });
  }
}
