/** Messages, in a component's name. */
import { Backoff } from "./backoff.ts";
import type { Encryption } from "./encryption.ts";
import { isEnvelope } from "./envelope.ts";
import { isClosed, isPassing } from "./http.ts";
import type { Session } from "./session.ts";

export interface SendOptions {
  /** `message` where it is left out. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly ttlSeconds?: number;
  /** One of its own where it is left out: what is sent again after a break is kept once. */
  readonly idempotencyKey?: string;
}

export interface ReceiveOptions {
  readonly max?: number;
  readonly waitSeconds?: number;
  readonly visibilitySeconds?: number;
}

export interface Received<T = unknown> {
  readonly id: string;
  readonly from: string;
  readonly type: string;
  readonly payload: T;
  readonly headers: Readonly<Record<string, string>>;
  /** 1 for the first time. */
  readonly attempt: number;
  /** False where its time was over and another has it. */
  ack(): Promise<boolean>;
  release(delaySeconds?: number): Promise<boolean>;
}

interface WireMessage<T> {
  readonly message_id: string;
  readonly from: string;
  readonly message_type: string;
  readonly payload: T;
  readonly headers: Readonly<Record<string, string>>;
  readonly attempt: number;
  readonly receipt: string;
}

/** How long a message is sent again while the conductor is away. */
const PATIENCE_MS = 30_000;
const WAIT_S = 20;
/** As the conductor has it for its own. */
const BROADCAST_TTL_S = 3_600;
/** Until what could not be opened comes again: a key may be mended meanwhile. */
const AGAIN_S = 1;
/** A header that says how a payload is encrypted. */
const ENCRYPTED = "encryption";

export class ClientQueue {
  readonly #session: Session;
  readonly #encryption: Encryption | undefined;

  constructor(session: Session, encryption?: Encryption) {
    this.#session = session;
    this.#encryption = encryption;
  }

  /** Its id, once it is on disk. Tried again for half a minute while the conductor is away. */
  async send(to: string, payload: unknown, options: SendOptions = {}): Promise<string> {
    const [id] = await this.sendBatch([{ to, payload, ...options }]);
    return id ?? "";
  }

  /** All or none, in this order. */
  async sendBatch(messages: readonly (SendOptions & { readonly to: string; readonly payload: unknown })[]): Promise<string[]> {
    const sealed = await Promise.all(messages.map((message) => this.#seal(message)));
    const body = {
      messages: sealed.map(({ to, payload, type, headers, ttlSeconds, idempotencyKey }) => ({
        ...{ to, payload, headers, message_type: type, ttl_seconds: ttlSeconds },
        idempotency_key: idempotencyKey ?? crypto.randomUUID(),
      })),
    };
    const answer = await this.#patiently<{ messages: { message_id: string }[] }>("/queue/send-batch", body);
    return answer.messages.map(({ message_id }) => message_id);
  }

  /** To all others, or those with a capability: how many. */
  async broadcast(payload: unknown, { capability, ...options }: SendOptions & { readonly capability?: string } = {}): Promise<number> {
    if (this.#encryption !== undefined) return this.#broadcastSealed(this.#encryption, payload, capability, options);
    const { type, headers, ttlSeconds, idempotencyKey = crypto.randomUUID() } = options;
    const body = { payload, capability, headers, message_type: type, ttl_seconds: ttlSeconds, idempotency_key: idempotencyKey };
    return (await this.#patiently<{ recipients: number }>("/broadcast", body)).recipients;
  }

  async receive<T = unknown>({ max = 10, waitSeconds = 0, visibilitySeconds = 30 }: ReceiveOptions = {}): Promise<Received<T>[]> {
    const path = `/queue/receive?component=${this.#session.id}&max=${max}&wait=${waitSeconds}&visibility=${visibilitySeconds}`;
    const { messages } = await this.#session.json<{ messages: WireMessage<unknown>[] }>({ method: "GET", path });
    return this.#openAll(messages);
  }

  /** One for each, since each has a key of its own: that many messages, or none. */
  async #broadcastSealed(encryption: Encryption, payload: unknown, capability: string | undefined, options: SendOptions): Promise<number> {
    const { ttlSeconds = BROADCAST_TTL_S, idempotencyKey = crypto.randomUUID(), ...rest } = options;
    const ids = await encryption.others(capability);
    if (ids.length === 0) return 0;
    const copies = ids.map((to) => ({ ...rest, to, payload, ttlSeconds, idempotencyKey: `${idempotencyKey} to ${to}` }));
    return (await this.sendBatch(copies)).length;
  }

  async #seal<M extends SendOptions & { readonly to: string; readonly payload: unknown }>(message: M): Promise<M> {
    if (this.#encryption === undefined) return message;
    const { to, payload } = await this.#encryption.sealFor(message.to, message.payload, {
      kind: "message",
      type: message.type ?? "message",
    });
    return { ...message, to, payload, ...(isEnvelope(payload) ? { headers: { ...message.headers, [ENCRYPTED]: "jwe" } } : {}) };
  }

  /** What cannot be opened or believed is reported and given back: tried too often it is a dead letter, where it can be looked at. */
  async #openAll<T>(messages: readonly WireMessage<unknown>[]): Promise<Received<T>[]> {
    const opened = await Promise.all(messages.map((message) => this.#open<T>(message)));
    return opened.filter((message) => message !== undefined);
  }

  async #open<T>(message: WireMessage<unknown>): Promise<Received<T> | undefined> {
    if (this.#encryption === undefined) return this.#wrap(message as WireMessage<T>);
    const { from, message_type: type } = message;
    try {
      return this.#wrap({ ...message, payload: await this.#encryption.open<T>(message.payload, { from, kind: "message", type }) });
    } catch (error) {
      this.#session.report(error);
      await this.#wrap(message)
        .release(AGAIN_S)
        .catch(() => false);
      return undefined;
    }
  }

  /** As they come, through breaks, until it is closed. What was received and not handed out yet is given back at the end. */
  async *messages<T = unknown>({ waitSeconds = WAIT_S, ...options }: ReceiveOptions = {}): AsyncGenerator<Received<T>> {
    const backoff = new Backoff();
    while (!this.#session.signal.aborted) {
      let waiting: Received<T>[] = [];
      try {
        waiting = await this.receive<T>({ waitSeconds, ...options });
        backoff.reset();
      } catch (error) {
        if (isClosed(error)) return;
        if (!isPassing(error)) throw error;
        await backoff.pause(this.#session.signal);
      }
      try {
        for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) yield next;
      } finally {
        await Promise.allSettled(waiting.map((message) => message.release()));
      }
    }
  }

  async #patiently<T>(path: string, body: unknown): Promise<T> {
    const until = Date.now() + PATIENCE_MS;
    const backoff = new Backoff();
    while (true) {
      try {
        return await this.#session.json<T>({ method: "POST", path, body });
      } catch (error) {
        if (!isPassing(error) || Date.now() > until || this.#session.signal.aborted) throw error;
        await backoff.pause(this.#session.signal);
      }
    }
  }

  #wrap<T>({ message_id, message_type, receipt, from, payload, headers, attempt }: WireMessage<T>): Received<T> {
    const settle = async (how: "ack" | "release", more: object): Promise<boolean> => {
      const body = { receipts: [receipt], ...more };
      const answer = await this.#session.json<Record<string, unknown>>({ method: "POST", path: `/queue/${how}`, body });
      return (answer.acknowledged ?? answer.released) === 1;
    };
    return {
      ...{ id: message_id, type: message_type, from, payload, headers, attempt },
      ack: () => settle("ack", {}),
      release: (delaySeconds = 0) => settle("release", { delay_seconds: delaySeconds }),
    };
  }
}
