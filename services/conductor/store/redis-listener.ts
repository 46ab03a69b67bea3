/**
 * Hears of every key under a prefix that changes, whoever changes it and however (SET, DEL, an expiry): Redis's own tracking for
 * client-side caches, in broadcast mode (CLIENT TRACKING ON BCAST). Bun's client drops those messages, so this speaks to Redis itself.
 * What happens while it is not connected it does not hear: `onStart` is called each time it is (again).
 */
import type { Socket } from "bun";
import { encodeCommand, Push, type Reply, RespError, RespReader } from "./resp.ts";

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
  #socket: Socket | undefined;
  #reader = new RespReader();
  /** Of the answers that are due, in the order of the commands. */
  #expected: ((reply: Reply) => void)[] = [];
  #failure: string | undefined = "not connected yet";
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
    return this.#failure;
  }

  /** When all that was changed before this call has been told. At once where it is not connected. */
  async drain(): Promise<void> {
    if (this.#failure !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ask(["PING"], () => resolve());
    await promise;
  }

  /** Begins anew, with `onStart`. */
  restart(): void {
    this.#lose(this.#socket, "restarted");
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#pulse);
    clearTimeout(this.#retry);
    this.#lose(this.#socket, "closed");
  }

  async #connect(): Promise<void> {
    const { hostname, port, protocol } = this.#url;
    try {
      const socket = await Bun.connect({
        hostname: hostname.replace(/^\[|\]$/g, ""),
        port: Number(port || 6379),
        tls: protocol === "rediss:" || protocol === "valkeys:",
        socket: {
          data: (from, bytes) => this.#take(from, bytes),
          close: (from) => this.#lose(from, "the connection was lost"),
          error: (from, error) => this.#lose(from, error.message),
        },
      });
      if (this.#isClosed || this.#socket !== undefined) {
        socket.terminate();
        return;
      }
      this.#socket = socket;
      this.#greet();
    } catch (error) {
      this.#lose(undefined, (error as Error).message);
    }
  }

  #greet(): void {
    const { username, password } = this.#url;
    const login = password === "" ? [] : ["AUTH", decodeURIComponent(username) || "default", decodeURIComponent(password)];
    this.#reader = new RespReader();
    this.#ask(["HELLO", "3", ...login], (reply) => this.#refuseErrors(reply));
    this.#ask(["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", this.#prefix], (reply) => {
      if (this.#refuseErrors(reply)) return;
      this.#failure = undefined;
      this.#events.onStart();
    });
  }

  #refuseErrors(reply: Reply): boolean {
    if (!(reply instanceof RespError)) return false;
    this.#lose(this.#socket, reply.message);
    return true;
  }

  /** `then` is called with nothing meaningful where the connection ends first. */
  #ask(command: readonly string[], then: (reply: Reply) => void): void {
    this.#expected.push(then);
    this.#socket?.write(encodeCommand(command));
  }

  #take(from: Socket, bytes: Uint8Array): void {
    if (from !== this.#socket) return;
    try {
      for (const reply of this.#reader.feed(bytes)) {
        if (reply instanceof Push) this.#hear(reply);
        else this.#expected.shift()?.(reply);
      }
    } catch (error) {
      this.#lose(from, (error as Error).message);
    }
  }

  /** ["invalidate", keys]; without keys after a FLUSHALL. */
  #hear({ parts: [kind, keys] }: Push): void {
    if (kind !== "invalidate") return;
    if (Array.isArray(keys)) for (const key of keys) this.#events.onKey(String(key));
    else this.#events.onStart();
  }

  #checkPulse(): void {
    if (this.#socket === undefined) return;
    if (this.#expected.length > 0) this.#lose(this.#socket, `no answer for ${PING_MS / 1_000} s`);
    else this.#ask(["PING"], () => undefined);
  }

  #lose(socket: Socket | undefined, reason: string): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#failure = reason;
    socket?.terminate();
    for (const then of this.#expected.splice(0)) then(null);
    if (this.#isClosed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), RETRY_MS);
  }
}
