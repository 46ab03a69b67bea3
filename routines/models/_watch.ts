/** Aborts a request of which nothing is heard for too long, or which the caller aborts. */
export class Watch {
  readonly #stall = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly signal: AbortSignal;
  /** How long it may be quiet. */
  readonly ms: number;

  constructor(ms: number, signal: AbortSignal | undefined) {
    this.ms = ms;
    this.#timer = setTimeout(() => this.#stall.abort(), ms);
    this.signal = signal === undefined ? this.#stall.signal : AbortSignal.any([signal, this.#stall.signal]);
  }

  get isStalled(): boolean {
    return this.#stall.signal.aborted;
  }

  /** Something was heard. */
  touch(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
