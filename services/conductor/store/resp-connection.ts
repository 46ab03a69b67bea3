/**
 * One plain connection to Redis that says what goes wrong. Bun's client is faster, but drops what Redis says without being asked, and its
 * errors do not tell a wrong password from a refused connection.
 */
import type { Socket } from "bun";
import { encodeCommand, Push, type Reply, RespError, RespReader } from "./resp.ts";

export interface ConnectionEvents {
  onPush: (push: Push) => void;
  /** Once, for whatever reason. */
  onEnd: (reason: string) => void;
}

interface Expected {
  resolve: (reply: Reply) => void;
  reject: (error: Error) => void;
}

/** Connects and logs in with what the URL has. Rejects with the reason in Redis's or the system's words, after `timeoutMs` at the latest. */
export async function dialRedis(url: URL, timeoutMs: number, events: ConnectionEvents): Promise<RespConnection> {
  const connection = new RespConnection(events);
  const { promise: isLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer for ${timeoutMs / 1_000} s`)), timeoutMs);
  try {
    // the system would wait for minutes for a host that drops what it is sent
    await Promise.race([connection.open(url), isLate]);
    return connection;
  } catch (error) {
    connection.close((error as Error).message);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Made by `dialRedis`. */
export class RespConnection {
  readonly #events: ConnectionEvents;
  readonly #reader = new RespReader();
  /** Of the answers that are due, in the order of the commands. */
  #expected: Expected[] = [];
  #socket: Socket | undefined;
  #end: string | undefined;

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  /** Why it ended; undefined while it has not. */
  get end(): string | undefined {
    return this.#end;
  }

  /** How many answers are due. */
  get due(): number {
    return this.#expected.length;
  }

  async open({ hostname, port, protocol, username, password }: URL): Promise<void> {
    const socket = await Bun.connect({
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port || 6379),
      tls: protocol === "rediss:" || protocol === "valkeys:",
      socket: {
        data: (_, bytes) => this.#take(bytes),
        close: () => this.close("the connection was lost"),
        error: (_, error) => this.close(error.message),
      },
    }).catch((error: Error & { code?: string }) => {
      throw new Error(error.code === "ECONNREFUSED" ? "nobody listens there" : error.message);
    });
    this.#socket = socket;
    if (this.#end !== undefined) socket.terminate();
    const login = password === "" ? [] : ["AUTH", decodeURIComponent(username) || "default", decodeURIComponent(password)];
    await this.ask(["HELLO", "3", ...login]);
  }

  /** Rejects where Redis refuses, or the connection ends first. */
  ask(command: readonly string[]): Promise<Reply> {
    if (this.#end !== undefined) return Promise.reject(new Error(this.#end));
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    this.#expected.push({ resolve, reject });
    this.#socket?.write(encodeCommand(command));
    return promise;
  }

  close(reason: string): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.#socket?.terminate();
    for (const { reject } of this.#expected.splice(0)) reject(new Error(reason));
    this.#events.onEnd(reason);
  }

  #take(bytes: Uint8Array): void {
    try {
      for (const reply of this.#reader.feed(bytes)) {
        if (reply instanceof Push) this.#events.onPush(reply);
        else if (reply instanceof RespError) this.#expected.shift()?.reject(new Error(reply.message));
        else this.#expected.shift()?.resolve(reply);
      }
    } catch (error) {
      this.close((error as Error).message);
    }
  }
}
