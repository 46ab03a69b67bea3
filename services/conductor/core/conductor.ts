/** All parts of a conductor, put together: what each route is given. */
import type { Settings } from "../settings.ts";
import type { Death, Store } from "../store/store.ts";
import { AccessRules } from "./access-rules.ts";
import type { AddressRules } from "./address.ts";
import { Alerts } from "./alerts.ts";
import type { AuditLog } from "./audit-log.ts";
import { Balance } from "./balance.ts";
import { Checks } from "./checks.ts";
import type { Clock } from "./clock.ts";
import { ConductorError } from "./conductor-error.ts";
import { type Encoding, EventHub } from "./event-hub.ts";
import { Held } from "./held.ts";
import { LateDocuments } from "./late-documents.ts";
import { Mailroom } from "./mailroom.ts";
import { Measures } from "./measures.ts";
import { type Announcement, Monitor } from "./monitor.ts";
import { Notifier } from "./notify.ts";
import { RaisedAlerts } from "./raised-alerts.ts";
import { LastBuckets, Rates } from "./rates.ts";
import { type Component, type Registered, type Registration, Registry } from "./registry.ts";
import { RequestDesk } from "./request-desk.ts";
import { StoreWatch } from "./store-watch.ts";

const FOLLOW_AGAIN_MS = 1_000;
/** Registrations under one name: each is written to disk and told to all others. */
const AGAIN = { perSecond: 10, burst: 50, names: 10_000 };
/** Of everybody together. */
const OPEN_IN_ALL = 20_000;
/** As fine as the finest series. */
const SAMPLE_MS = 10_000;

export interface ConductorOptions {
  readonly settings: Settings;
  readonly store: Store;
  readonly clock: Clock;
  readonly encoding: Encoding;
  /** Undefined: nothing is written down. */
  readonly audit?: AuditLog | undefined;
  /** The port it listens on, once it does. */
  readonly ownPort: () => number;
  /** What nobody waits for and went wrong all the same. */
  readonly complain: (problem: string) => void;
}

export class Conductor {
  readonly settings: Settings;
  readonly store: Store;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly monitor: Monitor;
  readonly checks: Checks;
  readonly hub: EventHub;
  readonly storeWatch: StoreWatch;
  readonly balance: Balance;
  readonly mail: Mailroom;
  readonly desk: RequestDesk;
  readonly addresses: AddressRules;
  readonly measures: Measures;
  readonly alerts: Alerts;
  readonly access: AccessRules;
  readonly held: Held;
  readonly audit: AuditLog | undefined;
  /** What nobody waits for and went wrong all the same; said no more once it ends. */
  readonly complain: (problem: string) => void;
  /** By the steady clock. */
  readonly startedAt: number;
  /** Of this process: requests that come back to it have it in their `Via`. */
  readonly name = `harbor-conductor-${crypto.randomUUID().slice(0, 8)}`;
  readonly #options: ConductorOptions;
  readonly #late: LateDocuments;
  readonly #raised: RaisedAlerts;
  readonly #end = new AbortController();
  readonly #registrations = new Rates<string>(AGAIN.perSecond, AGAIN.burst, new LastBuckets(AGAIN.names));
  #sampling: Timer | undefined;

  constructor(options: ConductorOptions) {
    const { settings, store, clock, encoding, ownPort } = options;
    this.#options = options;
    this.settings = settings;
    this.store = store;
    this.clock = clock;
    this.audit = options.audit;
    this.complain = (problem) => this.signal.aborted || options.complain(problem);
    this.registry = new Registry(store.documents, clock);
    this.hub = new EventHub(store.events, encoding);
    this.balance = new Balance(() => clock.steady());
    this.mail = new Mailroom({
      onDeaths: (deaths) => this.storeWatch.announce(deaths.map((death) => describeDeath(death, clock.now()))),
      queue: store.queue,
      clock,
      complain: this.complain,
    });
    this.desk = new RequestDesk();
    this.addresses = { allowedHosts: settings.allowedHosts, ownPort };
    this.startedAt = clock.steady();
    this.held = new Held({ perComponent: settings.maxOpen, total: OPEN_IN_ALL });
    this.access = new AccessRules(store.documents, () => this.held.endAll());
    this.storeWatch = new StoreWatch({
      store,
      append: (events) => this.hub.publish(events),
      clock,
      tell: (kind, data) => this.hub.tellAll(kind, data),
      complain: this.complain,
    });
    const announce = (events: readonly Announcement[]) => this.storeWatch.announce(events);
    this.#late = new LateDocuments(store.documents, this.complain);
    this.#raised = new RaisedAlerts(this.#late);
    this.monitor = new Monitor({
      registry: this.registry,
      clock,
      raised: this.#raised,
      announce,
      forget: (component) => {
        this.held.endOf(component, "it has left");
        this.measures.forget(component);
        this.registry.remove(component);
        this.#quietly(`${component.id} is gone, and still on disk`, this.registry.erase(component));
      },
    });
    this.measures = new Measures(this.monitor);
    this.alerts = this.#makeAlerts(announce);
    this.checks = new Checks({
      registry: this.registry,
      clock,
      report: (component, isOk) => this.monitor.apply(component, { kind: "check", isOk }),
    });
  }

  #makeAlerts(announce: (events: readonly Announcement[]) => void): Alerts {
    const { settings, store, clock } = this.#options;
    const notifier = new Notifier({
      smtpUrl: settings.smtpUrl,
      mailFrom: settings.mailFrom,
      failed: (channel, { rule, componentId }, reason) => {
        const data = { alert_name: rule.name, component_id: componentId, channel, reason };
        announce([{ type: "alert-not-delivered", source: "conductor", time: clock.now(), data }]);
      },
    });
    return new Alerts({
      documents: store.documents,
      late: this.#late,
      registry: this.registry,
      measures: this.measures,
      clock,
      announce,
      notify: (notices) => this.#quietly("nobody was notified", notifier.tell(notices)),
      quietly: (what, work) => this.#quietly(what, work),
    });
  }

  /** Aborted when it ends. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** Knows again whom it knew, and begins to watch. */
  async start(): Promise<void> {
    const { clock } = this;
    await this.access.load();
    for (const component of await this.registry.load()) {
      this.monitor.watch(component, "known");
      this.checks.watch(component);
    }
    await this.#raised.load(this.store.documents, (id) => this.registry.get(id) !== undefined);
    this.#quietly("events are not followed any more", this.#follow());
    await this.alerts.load();
    this.monitor.start();
    this.alerts.start();
    this.#sampling = setInterval(() => this.measures.sample((id) => this.registry.get(id), clock.now()), SAMPLE_MS);
    this.checks.start();
    this.mail.start();
    this.storeWatch.start();
    this.#late.start();
  }

  stop(): void {
    this.#end.abort();
    this.monitor.stop();
    this.alerts.stop();
    clearInterval(this.#sampling);
    this.checks.stop();
    this.mail.stop();
    this.storeWatch.stop();
    this.#late.stop();
  }

  /** Throws `rate_limited` where the same one comes again and again, `registry_full`. */
  async register(registration: Registration): Promise<Registered> {
    this.#refuseTooMany(registration);
    const registered = await this.registry.register(registration);
    this.monitor.watch(registered.component, registered.isAgain ? "replaced" : "registered");
    if (registered.isAgain) this.held.endOf(registered.component, "it has registered again");
    this.checks.watch(registered.component);
    return registered;
  }

  #refuseTooMany({ name, isOneOfMany, id }: Registration): void {
    const again = id ?? (isOneOfMany ? undefined : name);
    const wait = again === undefined ? 0 : this.#registrations.take(again, this.clock.steady());
    if (wait > 0) {
      throw new ConductorError("rate_limited", `"${again}" registers again and again`, {
        hint: "two instances that replace each other? several at a time register with instances: many",
        details: { retry_after: Math.max(1, Math.ceil(wait / 1_000)) },
      });
    }
    const { maxComponents } = this.settings;
    const isKnown = id === undefined ? !isOneOfMany && this.registry.named(name).length > 0 : this.registry.get(id) !== undefined;
    if (this.registry.size < maxComponents || isKnown) return;
    throw new ConductorError("registry_full", `${maxComponents} components are registered already`, {
      hint: "those that have gone are forgotten when their lease is over; conductor.max_components is how many there may be",
      details: { limit: maxComponents, retry_after: 60 },
    });
  }

  /** Nothing is changed where that cannot be kept; nor where it has registered again meanwhile, for who leaves is the instance before. */
  async deregister(component: Component): Promise<void> {
    const isErased = await this.registry.erase(component);
    if (isErased && this.registry.get(component.id) === component) this.monitor.apply(component, { kind: "leave" });
  }

  /** The store follows by itself through what it can mend; after anything else it is asked again. */
  async #follow(): Promise<void> {
    while (!this.signal.aborted) {
      await this.hub.follow(this.signal).catch((error: Error) => this.complain(`events: ${error.message}`));
      if (!this.signal.aborted) await Bun.sleep(FOLLOW_AGAIN_MS);
    }
  }

  #quietly(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.complain(`${what}: ${(error as Error).message}`));
  }
}

function describeDeath({ id, from, to, reason, attempts }: Death, time: number): Announcement {
  return { type: "message-dead", source: "conductor", time, data: { message_id: id, from, to, reason, attempts } };
}
