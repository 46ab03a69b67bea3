/** The database's thread as seen from outside: calls in, answers when they are on disk. */
import type { Call, OperationName, Operations } from "./sqlite-operations.ts";
import type { Committed, Failure, Opened, Opening, Outcome } from "./sqlite-worker.ts";
import { StoreError } from "./store.ts";

interface Pending extends Call {
  resolve: (value: unknown) => void;
  reject: (error: StoreError) => void;
}

/** In one transaction: bounds how long the first of them waits. */
const CALLS_AT_ONCE = 1_000;

export class ThreadedDatabase {
  readonly #worker: Worker;
  #waiting: Pending[] = [];
  #running: Pending[] = [];
  #onIdle: (() => void) | undefined;
  #isClosed = false;
  #failure: string | undefined;

  /** Rejects with the StoreError that opening the file gave. */
  static async open(opening: Opening): Promise<ThreadedDatabase> {
    const worker = new Worker(new URL("./sqlite-worker.ts", import.meta.url).href, { name: "conductor-store" });
    const { promise, resolve, reject } = Promise.withResolvers<Opened>();
    worker.onmessage = ({ data }: MessageEvent<Opened>) => resolve(data);
    worker.onerror = ({ message }) => reject(new StoreError(`Cannot start the store's thread: ${message}`));
    worker.postMessage(opening);
    try {
      const { failure } = await promise;
      if (failure !== undefined) throw toError(failure);
      return new ThreadedDatabase(worker);
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Committed>) => this.#answer(data.outcomes);
    worker.onerror = ({ message }) => this.#break(`the store's thread ended: ${message}`);
  }

  /** Why the last transaction failed, where it did. */
  get failure(): string | undefined {
    return this.#failure;
  }

  call<K extends OperationName>(name: K, ...args: Parameters<Operations[K]>): Promise<ReturnType<Operations[K]>> {
    if (this.#isClosed) return Promise.reject(new StoreError(this.#failure ?? "the store is closed"));
    const { promise, resolve, reject } = Promise.withResolvers<ReturnType<Operations[K]>>();
    this.#waiting.push({ name, args, resolve: resolve as (value: unknown) => void, reject });
    // not at once: what else comes in this turn belongs to the same transaction
    if (this.#running.length === 0 && this.#waiting.length === 1) queueMicrotask(() => this.#start());
    return promise;
  }

  /** When all that was asked for is on disk. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#idle();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#worker.onmessage = () => resolve();
    this.#worker.postMessage("close");
    await promise;
    this.#worker.terminate();
  }

  #idle(): Promise<void> {
    if (this.#running.length + this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #start(): void {
    if (this.#running.length > 0 || this.#waiting.length === 0) return;
    this.#running = this.#waiting.splice(0, CALLS_AT_ONCE);
    this.#worker.postMessage(this.#running.map(({ name, args }): Call => ({ name, args })));
  }

  #answer(outcomes: readonly Outcome[]): void {
    const answered = this.#running;
    this.#running = [];
    this.#start();
    let failure: string | undefined;
    for (const [index, outcome] of outcomes.entries()) {
      const call = answered[index] as Pending;
      if ("value" in outcome) call.resolve(outcome.value);
      else {
        // what it cannot take is no defect of its own
        if (outcome.failure.code === "unavailable") failure = outcome.failure.message;
        call.reject(toError(outcome.failure));
      }
    }
    this.#failure = failure;
    if (this.#running.length === 0) this.#onIdle?.();
  }

  /** For good: what it was doing may have been done. */
  #break(reason: string): void {
    this.#isClosed = true;
    this.#failure = reason;
    for (const { reject } of this.#running) reject(new StoreError(reason, { isUnsure: true }));
    for (const { reject } of this.#waiting) reject(new StoreError(reason));
    this.#running = [];
    this.#waiting = [];
    this.#onIdle?.();
  }
}

function toError({ message, code, hint, receivers }: Failure): StoreError {
  return new StoreError(message, { code, receivers, ...(hint !== undefined && { hint }) });
}
