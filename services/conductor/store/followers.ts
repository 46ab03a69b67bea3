/** Those in this process who want to hear of changes: called in the order they came, each until its signal. */

interface Follower<T> {
  tell: (item: T) => void;
  end: (error?: unknown) => void;
}

export class Followers<T> {
  readonly #all = new Set<Follower<T>>();

  /** From now on; resolves with the signal or when the store is closed, rejects with what `tell` throws, and then it is told no more. */
  follow(tell: (item: T) => void, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = (error?: unknown): void => {
      this.#all.delete(follower);
      signal.removeEventListener("abort", stop);
      if (error === undefined) resolve();
      else reject(error);
    };
    const stop = (): void => end();
    const follower: Follower<T> = { tell, end };
    this.#all.add(follower);
    signal.addEventListener("abort", stop);
    return promise;
  }

  /** One that throws ends alone. */
  publish(item: T): void {
    for (const { tell, end } of this.#all) {
      try {
        tell(item);
      } catch (error) {
        end(error ?? new Error("a follower threw nothing"));
      }
    }
  }

  endAll(): void {
    for (const { end } of this.#all) end();
  }
}
