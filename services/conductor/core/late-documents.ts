/**
 * Documents that nobody waits for: written at once where the store can, and otherwise when it can again, of each the last that was said.
 * That the store is away is said by `StoreWatch`.
 */
import { type Documents, StoreError } from "../store/store.ts";

interface Change {
  readonly kind: string;
  readonly id: string;
  /** Undefined: it is deleted. */
  readonly value: unknown;
}

const AGAIN_MS = 1_000;
const AT_ONCE = 1_000;

export class LateDocuments {
  readonly #documents: Documents;
  readonly #complain: (problem: string) => void;
  /** By kind and id. */
  readonly #unwritten = new Map<string, Change>();
  #isWriting = false;
  #timer: Timer | undefined;

  constructor(documents: Documents, complain: (problem: string) => void) {
    this.#documents = documents;
    this.#complain = complain;
  }

  start(): void {
    this.#timer = setInterval(() => void this.#write(), AGAIN_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  put(kind: string, id: string, value: unknown): void {
    this.#note({ kind, id, value });
  }

  delete(kind: string, id: string): void {
    this.#note({ kind, id, value: undefined });
  }

  #note(change: Change): void {
    this.#unwritten.set(keyOf(change), change);
    void this.#write();
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      while (this.#unwritten.size > 0) await this.#writeSome([...this.#unwritten.values().take(AT_ONCE)]);
    } catch (error) {
      if (!(error instanceof StoreError)) this.#complain(`documents were not kept: ${(error as Error).message}`);
    } finally {
      this.#isWriting = false;
    }
  }

  /** Where the answer was lost they are written again. */
  async #writeSome(changes: readonly Change[]): Promise<void> {
    await Promise.all(
      changes.map(({ kind, id, value }) => (value === undefined ? this.#documents.delete(kind, id) : this.#documents.put(kind, id, value))),
    );
    // said again meanwhile, it is another one
    for (const change of changes) if (this.#unwritten.get(keyOf(change)) === change) this.#unwritten.delete(keyOf(change));
  }
}

function keyOf({ kind, id }: Change): string {
  return `${kind} ${id}`;
}
