/**
 * Hears of every key under a prefix that changes, whoever changes it and however (SET, DEL, an expiry): Redis's own tracking for
 * client-side caches, in broadcast mode (CLIENT TRACKING ON BCAST). What happens while it is not connected it does not hear: `onStart` is
 * called each time it is (again).
 */

import type { Push } from "./resp.ts";
import { dialRedis, type RespConnection } from "./resp-connection.ts";

export interface ListenerEvents {
  onKey: (key: string) => void;
  onStart: () => void;
}

const RETRY_MS = 500;
const PING_MS = 2_000;

export class RedisListener {
  readonly #url: URL;
  readonly #prefix: string;
  readonly #events: ListenerEvents;
  readonly #pulse: Timer;
  #connection: RespConnection | undefined;
  #failure = "not connected yet";
  #retry: Timer | undefined;
  #isClosed = false;

  constructor(url: string, prefix: string, events: ListenerEvents) {
    this.#url = new URL(url);
    this.#prefix = prefix;
    this.#events = events;
    this.#pulse = setInterval(() => this.#checkPulse(), PING_MS);
    this.#pulse.unref();
    void this.#connect();
  }

  /** Why it hears nothing; undefined while it does. */
  get failure(): string | undefined {
    return this.#connection === undefined ? this.#failure : undefined;
  }

  /** When all that was changed before this call has been told, or the connection is lost. At once where it is not connected. */
  async drain(): Promise<void> {
    await this.#connection?.ask(["PING"]).catch(() => undefined);
  }

  /** Begins anew, with `onStart`. */
  restart(): void {
    this.#connection?.close("begins anew");
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#pulse);
    clearTimeout(this.#retry);
    this.#connection?.close("closed");
  }

  async #connect(): Promise<void> {
    try {
      const events = { onPush: (push: Push) => this.#hear(push), onEnd: (reason: string) => this.#retryAfter(reason) };
      const connection = await dialRedis(this.#url, PING_MS, events);
      const answer = connection.ask(["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", this.#prefix]);
      await answer.catch((error: Error) => connection.close(error.message));
      if (this.#isClosed) connection.close("closed");
      if (connection.end !== undefined) return;
      this.#connection = connection;
      this.#events.onStart();
    } catch {
      // dialRedis has told onEnd why
    }
  }

  /** ["invalidate", keys]; without keys after a FLUSHALL. */
  #hear({ parts: [kind, keys] }: Push): void {
    if (kind !== "invalidate") return;
    if (Array.isArray(keys)) for (const key of keys) this.#events.onKey(String(key));
    else this.#events.onStart();
  }

  #checkPulse(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (connection.due > 0) connection.close(`no answer for ${PING_MS / 1_000} s`);
    else void this.drain();
  }

  #retryAfter(reason: string): void {
    this.#connection = undefined;
    this.#failure = reason;
    if (!this.#isClosed) this.#retry = setTimeout(() => void this.#connect(), RETRY_MS);
  }
}
