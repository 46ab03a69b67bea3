/**
 * A connection to Redis that is there or says within a bounded time that it is not. Bun's client connects; this decides when: it does not
 * queue what was refused (an answer "unavailable" must not be carried out a minute later), it notices a Redis that is silent, and it
 * connects anew by itself.
 */
import { RedisClient } from "bun";
import { dialRedis } from "./resp-connection.ts";
import { StoreError } from "./store.ts";

export interface LinkOptions {
  /** Where Redis is known to be away for longer, calls fail at once; before that they wait this long for it. */
  waitMs: number;
  /** Without an answer to anything for this long, the connection is given up. More than any command blocks. */
  silenceMs: number;
}

export const DEFAULT_LINK: LinkOptions = { waitMs: 1_500, silenceMs: 3_000 };

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;
const EXPLAIN_MS = 1_000;

const AWAY_HINT = "It is tried again by itself. Check that Redis runs and that HARBOR_CONDUCTOR_REDIS_URL is right";
const LOGIN_HINT = "Check the user and the password in HARBOR_CONDUCTOR_REDIS_URL";

/** A Lua script and the name that Redis knows it by. */
export interface Script {
  text: string;
  sha: string;
}

export function makeScript(text: string): Script {
  return { text, sha: new Bun.CryptoHasher("sha1").update(text).digest("hex") };
}

type Waiter = (client: RedisClient | undefined) => void;

export class RedisLink {
  readonly #url: string;
  readonly #options: LinkOptions;
  readonly #watchdog: Timer;
  #client: RedisClient | undefined;
  #waiters: Waiter[] = [];
  #onConnect: (() => void)[] = [];
  #reason = "not connected yet";
  #awaySince = performance.now();
  #retryMs = FIRST_RETRY_MS;
  #retry: Timer | undefined;
  #isClosed = false;
  /** Answers that are due, and when the last one came. */
  #due = 0;
  #heardAt = 0;

  /** `url`: as Bun's client takes it. Throws a StoreError (`refused`) where it is none. */
  constructor(url: string, options: LinkOptions = DEFAULT_LINK) {
    this.#url = checkUrl(url);
    this.#options = options;
    this.#watchdog = setInterval(() => this.#checkSilence(), Math.min(250, options.silenceMs / 4));
    this.#watchdog.unref();
    void this.#connect();
  }

  /** Why it is away; undefined while it is there. */
  get failure(): string | undefined {
    return this.#client === undefined ? this.#reason : undefined;
  }

  /** After each time it connected, from now on; at once where it is. */
  onConnect(then: () => void): void {
    this.#onConnect.push(then);
    if (this.#client !== undefined) then();
  }

  /** Rejects with a StoreError where Redis is away or refuses. */
  async send(command: string, args: string[]): Promise<unknown> {
    const client = this.#client ?? (await this.#wait());
    if (client === undefined) throw this.#away(false);
    if (this.#due === 0) this.#heardAt = performance.now();
    this.#due++;
    try {
      return await client.send(command, args);
    } catch (error) {
      throw this.#toStoreError(error as Error & { code?: string });
    } finally {
      this.#due--;
      this.#heardAt = performance.now();
    }
  }

  /** By its name; with its text where Redis does not know it yet. */
  async run(script: Script, args: readonly (string | number)[], more: readonly string[] = []): Promise<unknown> {
    const all = [script.sha, "0", ...args.map(String), ...more];
    try {
      return await this.send("EVALSHA", all);
    } catch (error) {
      if (!(error as Error).message.includes("NOSCRIPT")) throw error;
      return this.send("EVAL", all.with(0, script.text));
    }
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#watchdog);
    clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = undefined;
    this.#reason = "the store is closed";
    client?.close();
    this.#wake(undefined);
  }

  #wait(): Promise<RedisClient | undefined> {
    const left = this.#awaySince + this.#options.waitMs - performance.now();
    if (this.#isClosed || left <= 0) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((waiter) => waiter !== settle);
        resolve(undefined);
      }, left);
      const settle: Waiter = (client) => {
        clearTimeout(timer);
        resolve(client);
      };
      this.#waiters.push(settle);
    });
  }

  #wake(client: RedisClient | undefined): void {
    for (const settle of this.#waiters.splice(0)) settle(client);
  }

  async #connect(): Promise<void> {
    const client = new RedisClient(this.#url, {
      autoReconnect: false,
      enableOfflineQueue: false,
      connectionTimeout: this.#options.silenceMs,
    });
    try {
      await client.connect();
      // a server that loads its data, or wants a password, takes the connection and refuses the rest
      await client.send("PING", []);
    } catch {
      client.close();
      this.#lose(await this.#explain());
      return;
    }
    if (this.#isClosed) return client.close();
    client.onclose = (error) => this.#client === client && this.#lose(error?.message ?? "connection closed");
    this.#client = client;
    this.#reason = "the connection was lost";
    this.#retryMs = FIRST_RETRY_MS;
    this.#wake(client);
    for (const then of this.#onConnect) then();
  }

  /** Bun's client has one message for all that may go wrong. */
  async #explain(): Promise<string> {
    const nobody = { onPush: () => undefined, onEnd: () => undefined };
    try {
      const connection = await dialRedis(new URL(this.#url), EXPLAIN_MS, nobody);
      await connection.ask(["PING"]).finally(() => connection.close("closed"));
      return "the connection was lost";
    } catch (error) {
      return (error as Error).message;
    }
  }

  #lose(reason: string): void {
    if (this.#isClosed) return;
    if (this.#client !== undefined) this.#awaySince = performance.now();
    this.#client = undefined;
    this.#reason = reason;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #checkSilence(): void {
    const client = this.#client;
    if (client === undefined || this.#due === 0 || performance.now() - this.#heardAt < this.#options.silenceMs) return;
    this.#lose(`no answer for ${this.#options.silenceMs / 1_000} s`);
    client.close(); // all that waits for an answer fails with it
  }

  #toStoreError(error: Error & { code?: string }): StoreError {
    if (error.code === "ERR_REDIS_CONNECTION_CLOSED") return this.#away(true);
    return new StoreError(`Redis refused: ${error.message}`, { cause: error, hint: hintFor(error.message) });
  }

  #away(isUnsure: boolean): StoreError {
    return new StoreError(`Redis at ${showUrl(this.#url)} cannot be reached: ${this.#reason}`, {
      isUnsure,
      hint: /^(NOAUTH|WRONGPASS|NOPERM)/.test(this.#reason) ? LOGIN_HINT : AWAY_HINT,
    });
  }
}

function hintFor(message: string): string {
  if (/^(NOAUTH|WRONGPASS|NOPERM)/.test(message)) return LOGIN_HINT;
  if (/^(OOM|MISCONF)/.test(message)) return "Redis takes no writes for now: look at its memory, its disk and its log";
  return "Look at Redis's log";
}

/** redis[s]://[[user]:password@]host[:port][/database] */
function checkUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^(redis|rediss|valkey|valkeys):$/.test(url.protocol) && url.hostname !== "") return text;
  throw new StoreError(`HARBOR_CONDUCTOR_REDIS_URL is no address of a Redis`, {
    code: "refused",
    hint: "Write redis://127.0.0.1:6379, with a password redis://:PASSWORD@host:6379, with TLS rediss://…",
  });
}

/** Without the password. */
function showUrl(text: string): string {
  const { hostname, port } = new URL(text);
  return `${hostname}:${port || "6379"}`;
}
