/** A component of the conductor's, in TypeScript: registers, beats by itself, comes back by itself. The protocol is docs/conductor.md's. */
import { Encryption, type EncryptionOptions } from "./encryption.ts";
import { ConductorClientError } from "./http.ts";
import { openKeyFile } from "./key-file.ts";
import { ClientQueue } from "./queue.ts";
import { type Answered, answerSealed, askSealed, isPing } from "./sealed-request.ts";
import { Session, type SessionOptions } from "./session.ts";
import { ClientState } from "./state.ts";
import { follow, type Subscription } from "./stream.ts";

export { ConductorClientError } from "./http.ts";
export { Operator } from "./operator.ts";

export interface ConductorEvent<T = unknown> {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly timestamp: string;
  readonly data: T;
}

export interface Request<T = unknown> {
  readonly id: string;
  readonly from: string;
  readonly type: string;
  readonly payload: T;
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal;
}

export interface Service {
  readonly component_id: string;
  readonly component: string;
  readonly version: string;
  readonly status: string;
  readonly url: string;
  readonly capabilities: readonly string[];
  readonly metrics: Readonly<Record<string, number>>;
}

interface WireRequest {
  readonly request_id: string;
  readonly from: string;
  readonly request_type: string;
  readonly payload: unknown;
}

export interface ConnectOptions extends SessionOptions {
  /** Payloads of messages, requests and answers that the conductor cannot read: docs/conductor.md says what that is good for. */
  readonly encryption?: EncryptionOptions;
}

/** Registers, and has sent its first heartbeat. Throws ConductorClientError. */
export async function connect({ encryption, ...options }: ConnectOptions): Promise<Client> {
  const url = options.url.replace(/\/+$/, "");
  if (encryption === undefined) return new Client(await Session.open({ ...options, url }));
  const keys = await openKeyFile(encryption.keyFile);
  const session = await Session.open({ ...options, url, publicKey: keys.publicKey });
  return new Client(session, new Encryption(keys, session, encryption));
}

export class Client implements AsyncDisposable {
  readonly queue: ClientQueue;
  readonly state: ClientState;
  readonly #session: Session;
  readonly #encryption: Encryption | undefined;

  constructor(session: Session, encryption?: Encryption) {
    this.#session = session;
    this.#encryption = encryption;
    this.queue = new ClientQueue(session, encryption);
    this.state = new ClientState(session);
  }

  get id(): string {
    return this.#session.id;
  }

  /** Of its keys (RFC 7638), for others to pin; none without `encryption`. */
  get thumbprints(): readonly string[] {
    return this.#encryption?.thumbprints ?? [];
  }

  /** Aborted when it is closed, or another instance has taken its place. */
  get signal(): AbortSignal {
    return this.#session.signal;
  }

  /** Events whose type matches, as in "entity-*": each once and in order; after a break what was missed comes first. */
  on<T = unknown>(type: string, handler: (event: ConductorEvent<T>) => void): Subscription {
    const path = `/events/subscribe?${new URLSearchParams({ event_type: type })}`;
    return this.#follow(path, ({ event, data }) => {
      if (event === "conductor-lost" || event === "conductor-dropped") {
        return this.#session.report(new ConductorClientError("events_lost", `Events of "${type}" were missed`, { details: { event } }));
      }
      const { event_id, event_type, source, timestamp, data: inner } = data as Record<string, string>;
      if (event_id !== undefined)
        handler({ id: event_id, type: event_type ?? "", source: source ?? "", timestamp: timestamp ?? "", data: inner as T });
    });
  }

  /** The event's id. */
  async publish(type: string, data: unknown = null): Promise<string> {
    const body = { event_type: type, data };
    return (await this.#session.json<{ event_id: string }>({ method: "POST", path: "/events/publish", body })).event_id;
  }

  /** Throws `no_responder`, `request_failed` (with `details.reason`), `upstream_timeout`, … */
  async request<T = unknown>(
    to: string,
    type: string,
    payload: unknown = null,
    { timeoutSeconds = 30, signal }: { timeoutSeconds?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    const post = (receiver: string, content: unknown): Promise<Answered> => {
      const body = { to: receiver, request_type: type, payload: content, timeout_seconds: timeoutSeconds };
      return this.#session.json<Answered>({ method: "POST", path: "/request", body, ...(signal === undefined ? {} : { signal }) });
    };
    // whether one is there is no secret, and the conductor answers it too
    if (this.#encryption === undefined || isPing(type, payload)) return (await post(to, payload)).result as T;
    return askSealed<T>(this.#encryption, post, { to, type, payload });
  }

  /** Requests of that type, as in "list-*", are answered with what the handler returns; what it throws is told to who asked. */
  answer(type: string, handler: (payload: unknown, request: Request) => unknown): Subscription {
    const running = new Map<string, AbortController>();
    return this.#follow(`/requests/listen?${new URLSearchParams({ request_type: type })}`, ({ event, data }) => {
      const request = data as WireRequest;
      if (event === "cancel") running.get(request.request_id)?.abort();
      if (event !== "request") return;
      const end = new AbortController();
      running.set(request.request_id, end);
      void this.#serve(request, handler, end.signal).finally(() => running.delete(request.request_id));
    });
  }

  /** Those that match: `capability`, `status`, `component`, `version` as GET /services has them. */
  async services(filter: Readonly<Record<string, string>> = {}): Promise<Service[]> {
    return (await this.#session.json<{ services: Service[] }>({ method: "GET", path: `/services?${new URLSearchParams(filter)}` }))
      .services;
  }

  /** One that can take a request now. Throws `no_instance`. */
  resolve(capability: string): Promise<Service> {
    return this.#session.json<Service>({ method: "GET", path: `/resolve?${new URLSearchParams({ capability })}` });
  }

  /** Leaves. */
  close(): Promise<void> {
    return this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #follow(path: string, onEvent: Parameters<typeof follow>[0]["onEvent"]): Subscription {
    return follow({
      open: (lastId, signal) =>
        this.#session.ask({ method: "GET", path, signal, ...(lastId === undefined ? {} : { headers: { "last-event-id": lastId } }) }),
      onEvent,
      onProblem: (error) => this.#session.report(error),
      signal: this.signal,
    });
  }

  async #serve(
    { request_id, request_type, from, payload }: WireRequest,
    handler: (payload: unknown, request: Request) => unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const run = async (content: unknown): Promise<object> => {
      try {
        return { result: (await handler(content, { id: request_id, from, type: request_type, payload: content, signal })) ?? null };
      } catch (error) {
        return { error: { message: (error as Error).message } };
      }
    };
    const isPlain = this.#encryption === undefined || isPing(request_type, payload);
    const answer = isPlain ? await run(payload) : await answerSealed(this.#encryption, { from, type: request_type, payload }, run);
    if (signal.aborted) return;
    await this.#session.ask({ method: "POST", path: "/requests/answer", body: { request_id, ...answer } }).catch((error: unknown) => {
      // who asked did not wait for it
      if (!(error instanceof ConductorClientError && error.code === "unknown_request")) this.#session.report(error);
    });
  }
}
