/** The conductor as whoever runs it sees it, with the conductor's own token: nothing is registered, and nothing beats. */
import type { Asker } from "./asker.ts";
import { type Ask, askConductor, type Trust } from "./http.ts";
import { ClientState } from "./state.ts";
import { follow, type SentEvent, type Subscription } from "./stream.ts";

export interface OperatorOptions {
  /** As in "http://127.0.0.1:8888". */
  readonly url: string;
  /** The conductor's own; empty where it asks for none. */
  readonly token: string;
  /** Read for every request: certificates are renewed. The system's where left out. */
  readonly trust?: (() => Trust | undefined) | undefined;
  /** Ends what is under way. */
  readonly signal?: AbortSignal;
  /** What went wrong with a stream, for good. */
  readonly onProblem?: (error: unknown) => void;
}

/** As GET /services tells of it. */
export interface ComponentStatus {
  readonly component_id: string;
  readonly component: string;
  readonly version: string;
  readonly status: string;
  readonly causes: readonly string[];
  readonly status_since: string;
  /** Of one without heartbeats: its last good check. */
  readonly last_heartbeat: string | null;
  readonly heartbeats: boolean;
  readonly registered_by: "component" | "harbor";
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly capabilities: readonly string[];
  readonly health_check_url: string | null;
  readonly metrics: Readonly<Record<string, number>>;
}

export interface Dashboard {
  readonly overall_status: string;
  readonly uptime_seconds: number;
  readonly store: { readonly kind?: string; readonly ok: boolean; readonly reason?: string };
  readonly components_total: number;
  readonly components_by_status: Readonly<Record<string, number>>;
  readonly alerts: readonly FiringAlert[];
}

export interface FiringAlert {
  readonly alert_name: string;
  readonly component_id: string;
  readonly since: string;
}

export interface AlertRule {
  readonly alert_name: string;
  readonly condition: string;
  readonly components: readonly string[];
  readonly for_seconds: number;
  readonly severity: string;
  readonly silenced_until: string | null;
  readonly notification_channels: readonly Readonly<Record<string, string>>[];
}

export interface AccessRule {
  readonly from: string;
  readonly to: readonly string[];
  readonly allowed_operations: readonly string[];
}

export interface QueueDepth {
  readonly waiting: number;
  readonly in_flight: number;
  readonly dead: number;
}

export interface StoredMessage {
  readonly message_id: string;
  readonly from: string;
  readonly to: string;
  readonly message_type: string;
  readonly payload: unknown;
  readonly sent_at: string;
}

export interface DeliveredMessage extends StoredMessage {
  readonly attempt: number;
  readonly receipt: string;
}

export interface DeadMessage extends StoredMessage {
  readonly reason: string;
  readonly attempts: number;
  readonly died_at: string;
}

export interface Answered {
  readonly answered_by: string;
  readonly duration_ms: number;
  readonly result: unknown;
}

type Query = Readonly<Record<string, string | number | undefined>>;
type Body = Readonly<Record<string, unknown>>;

export class Operator implements Asker {
  readonly state: ClientState;
  readonly signal: AbortSignal;
  readonly #url: string;
  readonly #token: string;
  readonly #trust: OperatorOptions["trust"];
  readonly #onProblem: ((error: unknown) => void) | undefined;

  constructor({ url, token, trust, signal = new AbortController().signal, onProblem }: OperatorOptions) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#trust = trust;
    this.#onProblem = onProblem;
    this.signal = signal;
    this.state = new ClientState(this);
  }

  ask(ask: Ask): Promise<Response> {
    const signal = ask.signal === undefined ? this.signal : AbortSignal.any([this.signal, ask.signal]);
    return askConductor(this.#url, this.#token, { ...ask, signal }, this.#trust?.());
  }

  async json<T>(ask: Ask): Promise<T> {
    return (await this.ask(ask)).json() as Promise<T>;
  }

  report(error: unknown): void {
    if (!this.signal.aborted) this.#onProblem?.(error);
  }

  /** Those that match: `capability`, `status`, `component`, `version` as GET /services has them. */
  async services(filter: Query = {}): Promise<ComponentStatus[]> {
    return (await this.#get<{ services: ComponentStatus[] }>("/services", { limit: 10_000, ...filter })).services;
  }

  /** Fields as POST /register has them. */
  register(body: Body): Promise<{ component_id: string }> {
    return this.#post("/register", body);
  }

  async deregister(id: string): Promise<void> {
    await this.#post("/deregister", { component_id: id });
  }

  dashboard(): Promise<Dashboard> {
    return this.#get("/dashboard", { limit: 1 });
  }

  /** Of one component, or all: name → value. */
  async metrics(id?: string): Promise<{ component_id: string; metrics: Record<string, number> }[]> {
    if (id !== undefined) return [await this.#get(`/metrics/${encodeURIComponent(id)}`)];
    return (await this.#get<{ components: { component_id: string; metrics: Record<string, number> }[] }>("/metrics", { limit: 1_000 }))
      .components;
  }

  /** As GET /events/subscribe sends them, from after that one; after a break what was missed comes first. */
  events(type: string, onEvent: (event: SentEvent) => void, since?: string): Subscription {
    return follow({
      open: (lastId, signal) => {
        const from = lastId ?? since;
        const headers = from === undefined ? {} : { headers: { "last-event-id": from } };
        return this.ask({ method: "GET", path: `/events/subscribe?${new URLSearchParams({ event_type: type })}`, signal, ...headers });
      },
      onEvent,
      onProblem: (error) => this.report(error),
      signal: this.signal,
    });
  }

  publish(type: string, data: unknown): Promise<{ event_id: string }> {
    return this.#post("/events/publish", { event_type: type, data });
  }

  /** Fields as POST /queue/send has them. */
  send(body: Body): Promise<{ message_id: string; to: string; is_duplicate: boolean }> {
    return this.#post("/queue/send", body);
  }

  broadcast(body: Body): Promise<{ recipients: number; duplicates: number }> {
    return this.#post("/broadcast", body);
  }

  request(body: Body): Promise<Answered> {
    return this.#post("/request", body);
  }

  async receive(component: string, { max, waitSeconds }: { max: number; waitSeconds: number }): Promise<DeliveredMessage[]> {
    return (await this.#get<{ messages: DeliveredMessage[] }>("/queue/receive", { component, max, wait: waitSeconds })).messages;
  }

  async ack(component: string, receipts: readonly string[]): Promise<number> {
    return (await this.#post<{ acknowledged: number }>("/queue/ack", { component_id: component, receipts })).acknowledged;
  }

  async release(component: string, receipts: readonly string[]): Promise<number> {
    return (await this.#post<{ released: number }>("/queue/release", { component_id: component, receipts })).released;
  }

  async depth(component?: string): Promise<Record<string, QueueDepth>> {
    return (await this.#get<{ queues: Record<string, QueueDepth> }>("/queue/depth", { component })).queues;
  }

  deadLetters(component?: string, limit = 1_000): Promise<{ messages: DeadMessage[]; total: number }> {
    return this.#get("/queue/dead-letters", { component, limit });
  }

  async redrive(ids: readonly string[]): Promise<number> {
    return (await this.#post<{ redriven: number }>("/queue/redrive", { message_ids: ids })).redriven;
  }

  alerts(): Promise<{ alerts: AlertRule[]; firing: FiringAlert[] }> {
    return this.#get("/alerts");
  }

  /** Fields as POST /alerts/configure has them. */
  configureAlert(body: Body): Promise<AlertRule> {
    return this.#post("/alerts/configure", body);
  }

  async removeAlert(name: string): Promise<void> {
    await this.ask({ method: "DELETE", path: `/alerts/${encodeURIComponent(name)}` });
  }

  /** 0 ends a silence. */
  silenceAlert(name: string, seconds: number): Promise<AlertRule> {
    return this.#post(`/alerts/${encodeURIComponent(name)}/silence`, { duration_seconds: seconds });
  }

  accessRules(): Promise<{ default: "allow" | "deny"; rules: AccessRule[] }> {
    return this.#get("/access-control");
  }

  setAccessRule(rule: AccessRule): Promise<AccessRule> {
    return this.#post("/access-control", { ...rule });
  }

  async removeAccessRule(from: string): Promise<void> {
    await this.ask({ method: "DELETE", path: `/access-control/${encodeURIComponent(from)}` });
  }

  #get<T>(path: string, query: Query = {}): Promise<T> {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    );
    return this.json<T>({ method: "GET", path: given.length === 0 ? path : `${path}?${new URLSearchParams(given)}` });
  }

  #post<T>(path: string, body: Body): Promise<T> {
    return this.json<T>({ method: "POST", path, body });
  }
}
