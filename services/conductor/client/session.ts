/** A component's registration, kept up: heartbeats, and registering again where the conductor has forgotten it. */
import type { Asker } from "./asker.ts";
import { Backoff, sleep } from "./backoff.ts";
import { type Ask, askConductor, ConductorClientError, isPassing, type Trust } from "./http.ts";

export interface Registration {
  readonly component: string;
  /** Where it listens. */
  readonly port: number;
  readonly version?: string;
  readonly capabilities?: readonly string[];
  readonly healthCheckUrl?: string;
  /** 1 to 30. */
  readonly heartbeatSeconds?: number;
  readonly leaseSeconds?: number;
  readonly host?: string;
  /** `many`: another one beside the others of its name. */
  readonly instances?: "one" | "many";
  /** A JWK or a JWK Set for others to see; of a client with `encryption` it is its own. */
  readonly publicKey?: object;
}

export interface Pulse {
  readonly status?: "healthy" | "degraded" | "unhealthy";
  readonly metrics?: Readonly<Record<string, number>>;
}

/** What the conductor tells with a heartbeat. */
export interface Command {
  readonly command: string;
  readonly component_id?: string;
  readonly component?: string;
  readonly from?: string | null;
  readonly status?: string;
}

export interface SessionOptions extends Registration {
  /** As in "http://127.0.0.1:8888". */
  readonly url: string;
  /** The conductor's own, to register with; it is not used for anything else but to see who replaced this one. */
  readonly token: string;
  /** Certificates in PEM that an https conductor's is checked by, instead of the system's. */
  readonly ca?: string;
  /** Asked before each heartbeat. */
  readonly pulse?: () => Pulse;
  readonly onCommand?: (command: Command) => void;
  /** What went wrong and nobody waits for. A `replaced` one is the end. */
  readonly onProblem?: (error: unknown) => void;
}

interface Registered {
  readonly component_id: string;
  readonly instance_id: string;
  readonly token: string;
  readonly heartbeat_interval: number;
}

/** Of an interval: so that a beat that has to be sent again is still in time. */
const EARLY = 0.6;
const LEAVE_MS = 2_000;

export class Session implements Asker {
  readonly #options: SessionOptions;
  readonly #end = new AbortController();
  #registered: Registered;
  #renewing: Promise<void> | undefined;

  private constructor(options: SessionOptions, registered: Registered) {
    this.#options = options;
    this.#registered = registered;
  }

  /** Registers, and has beaten once. */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options, await register(options, undefined));
    await session.#beat();
    void session.#beatAlways();
    return session;
  }

  get id(): string {
    return this.#registered.component_id;
  }

  /** Aborted when it is closed or replaced. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** In the component's name. Registers again, once, where its token is not known any more. */
  async ask(ask: Ask): Promise<Response> {
    const { token } = this.#registered;
    const signal = ask.signal === undefined ? this.signal : AbortSignal.any([this.signal, ask.signal]);
    try {
      return await this.#ask(token, { ...ask, signal });
    } catch (error) {
      if (!(error instanceof ConductorClientError) || error.code !== "unknown_token") throw error;
      if (token === this.#registered.token) await this.renew();
      return this.#ask(this.#registered.token, { ...ask, signal });
    }
  }

  async json<T>(ask: Ask): Promise<T> {
    return (await this.ask(ask)).json() as Promise<T>;
  }

  #ask(token: string, ask: Ask): Promise<Response> {
    return askConductor(this.#options.url, token, ask, trustOf(this.#options));
  }

  report(error: unknown): void {
    if (!this.signal.aborted) this.#options.onProblem?.(error);
  }

  /** Leaves; the conductor being away is no reason not to. */
  async close(): Promise<void> {
    if (this.signal.aborted) return;
    this.#end.abort();
    const { component_id, token } = this.#registered;
    const leave: Ask = { method: "POST", path: "/deregister", body: { component_id }, signal: AbortSignal.timeout(LEAVE_MS) };
    await this.#ask(token, leave).catch(() => {});
  }

  /** Those that find out together register once. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    await this.#refuseToFight();
    this.#registered = await register(this.#options, this.id);
  }

  /** Another instance has the id: to register again would end that one's token, and it would do the same. */
  async #refuseToFight(): Promise<void> {
    const { token } = this.#options;
    const { component_id, instance_id } = this.#registered;
    const there = await this.#ask(token, { method: "GET", path: `/services/${component_id}`, signal: this.signal }).catch(
      (error: unknown) => {
        if (error instanceof ConductorClientError && error.code === "unknown_component") return undefined;
        throw error;
      },
    );
    const { instance_id: current = instance_id } = ((await there?.json()) ?? {}) as { instance_id?: string };
    if (current === instance_id) return;
    const error = new ConductorClientError("replaced", `Another instance has registered as ${component_id}`, {
      hint: 'several at a time: instances: "many"',
    });
    this.report(error);
    this.#end.abort();
    throw error;
  }

  async #beat(): Promise<void> {
    const { pulse, onCommand } = this.#options;
    const body = { component_id: this.id, status: "healthy", ...pulse?.() };
    const signal = AbortSignal.timeout(this.#registered.heartbeat_interval * 1_000);
    const { commands } = await this.json<{ commands: Command[] }>({ method: "POST", path: "/heartbeat", body, signal });
    for (const command of commands) onCommand?.(command);
  }

  async #beatAlways(): Promise<void> {
    const backoff = new Backoff();
    await sleep(this.#registered.heartbeat_interval * 1_000 * EARLY, this.signal);
    while (!this.signal.aborted) {
      try {
        await this.#beat();
        backoff.reset();
        await sleep(this.#registered.heartbeat_interval * 1_000 * EARLY, this.signal);
      } catch (error) {
        if (!isPassing(error)) this.report(error);
        await backoff.pause(this.signal);
      }
    }
  }
}

async function register(options: SessionOptions, id: string | undefined): Promise<Registered> {
  const { component, port, version, capabilities, healthCheckUrl, heartbeatSeconds, leaseSeconds, host, instances, publicKey } = options;
  const body = {
    ...{ component, port, version, capabilities, host, instances },
    ...{
      health_check_url: healthCheckUrl,
      heartbeat_interval: heartbeatSeconds,
      lease_seconds: leaseSeconds,
      component_id: id,
      public_key: publicKey,
    },
  };
  const answer = await askConductor(options.url, options.token, { method: "POST", path: "/register", body }, trustOf(options));
  return answer.json() as Promise<Registered>;
}

function trustOf({ ca }: SessionOptions): Trust | undefined {
  return ca === undefined ? undefined : { ca };
}
