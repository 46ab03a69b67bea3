/** Messages, in a component's name. */
import { Backoff } from "./backoff.ts";
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

export class ClientQueue {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Its id, once it is on disk. Tried again for half a minute while the conductor is away. */
  async send(to: string, payload: unknown, options: SendOptions = {}): Promise<string> {
    const [id] = await this.sendBatch([{ to, payload, ...options }]);
    return id ?? "";
  }

  /** All or none, in this order. */
  async sendBatch(messages: readonly (SendOptions & { readonly to: string; readonly payload: unknown })[]): Promise<string[]> {
    const body = {
      messages: messages.map(({ to, payload, type, headers, ttlSeconds, idempotencyKey }) => ({
        ...{ to, payload, headers, message_type: type, ttl_seconds: ttlSeconds },
        idempotency_key: idempotencyKey ?? crypto.randomUUID(),
      })),
    };
    const answer = await this.#patiently<{ messages: { message_id: string }[] }>("/queue/send-batch", body);
    return answer.messages.map(({ message_id }) => message_id);
  }

  /** To all others, or those with a capability: how many. */
  async broadcast(payload: unknown, { capability, ...options }: SendOptions & { readonly capability?: string } = {}): Promise<number> {
    const { type, headers, ttlSeconds, idempotencyKey = crypto.randomUUID() } = options;
    const body = { payload, capability, headers, message_type: type, ttl_seconds: ttlSeconds, idempotency_key: idempotencyKey };
    return (await this.#patiently<{ recipients: number }>("/broadcast", body)).recipients;
  }

  async receive<T = unknown>({ max = 10, waitSeconds = 0, visibilitySeconds = 30 }: ReceiveOptions = {}): Promise<Received<T>[]> {
    const path = `/queue/receive?component=${this.#session.id}&max=${max}&wait=${waitSeconds}&visibility=${visibilitySeconds}`;
    const { messages } = await this.#session.json<{ messages: WireMessage<T>[] }>({ method: "GET", path });
    return messages.map((message) => this.#wrap(message));
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
