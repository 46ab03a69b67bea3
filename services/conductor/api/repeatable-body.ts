/** A request's body that can be sent once more as long as only a little of it has been read: it is kept until then. */

/** More than that is not kept. */
const KEPT_BYTES = 262_144;

export class RepeatableBody {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #timeoutMs: number;
  readonly #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #isTooLong = false;
  #isDone = false;
  /** The attempt that reads it now: one that was given up takes no more of it. */
  #attempt = 0;

  /** `timeoutMs`: between two parts of it. */
  constructor(body: ReadableStream<Uint8Array> | null, timeoutMs: number) {
    this.#reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
    this.#timeoutMs = timeoutMs;
  }

  get isEmpty(): boolean {
    return this.#reader === undefined;
  }

  get isRepeatable(): boolean {
    return !this.#isTooLong;
  }

  /** From its beginning; null where there is none. */
  open(): ReadableStream<Uint8Array> | null {
    if (this.#reader === undefined) return null;
    const attempt = ++this.#attempt;
    let next = 0;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const kept = this.#kept[next++];
          const chunk = kept ?? (attempt === this.#attempt ? await this.#read() : undefined);
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
      },
      { highWaterMark: 0 },
    );
  }

  async #read(): Promise<Uint8Array | undefined> {
    if (this.#isDone || this.#reader === undefined) return undefined;
    const timer = setTimeout(() => void this.#reader?.cancel(), this.#timeoutMs);
    const { done, value } = await this.#reader.read().finally(() => clearTimeout(timer));
    if (done) {
      this.#isDone = true;
      return undefined;
    }
    this.#keep(value);
    return value;
  }

  #keep(chunk: Uint8Array): void {
    this.#keptBytes += chunk.length;
    if (this.#keptBytes > KEPT_BYTES) {
      this.#isTooLong = true;
      this.#kept.length = 0;
    } else this.#kept.push(chunk);
  }
}
