/** Streams that components read: they end with the instance that opened them, whose token is good for nothing else either. */
import { MultiMap } from "./multi-map.ts";

/** Tells why, and closes. */
type End = (reason: string) => void;

export class OpenStreams {
  readonly #ends = new MultiMap<End>();

  /** Returns what takes it away again. */
  add(componentId: string, end: End): () => void {
    this.#ends.add(componentId, end);
    return () => this.#ends.delete(componentId, end);
  }

  endAll(componentId: string, reason: string): void {
    for (const end of this.#ends.get(componentId)) end(reason);
  }
}
