/**
 * What a process says of itself, on its way to the state machine: at once, but for words of its status that follow each
 * other faster than anybody reads them. Of those the latest is told a moment later: each is noted on disk, and shown.
 */
import type { Said } from "./_service.ts";

/** Between two words of status. */
const PAUSE_MS = 250;

export class OwnWords {
  readonly #tell: (said: Said) => void;
  #latest: string | undefined;
  #toldMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(tell: (said: Said) => void) {
    this.#tell = tell;
  }

  /** What of it says anything else is told with the words that belong to it. */
  hear({ status = this.#latest, isDegraded, extendMs }: Said): void {
    this.#latest = status;
    if (isDegraded !== undefined || performance.now() - this.#toldMs >= PAUSE_MS) this.#flush(isDegraded);
    else if (status !== undefined) this.#timer ??= setTimeout(() => this.#flush(), PAUSE_MS);
    if (extendMs !== undefined) this.#tell({ extendMs });
  }

  #flush(isDegraded?: boolean): void {
    const status = this.#latest;
    this.forget();
    if (status === undefined && isDegraded === undefined) return;
    this.#toldMs = performance.now();
    this.#tell({ ...(status === undefined ? {} : { status }), ...(isDegraded === undefined ? {} : { isDegraded }) });
  }

  /** Of a process that is gone. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#latest = undefined;
  }
}
