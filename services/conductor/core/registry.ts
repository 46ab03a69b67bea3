/** Who is there: components by id, name and capability, kept across restarts of the conductor. */
import type { Documents } from "../store/store.ts";
import { inUrl } from "./address.ts";
import type { Clock } from "./clock.ts";
import { ConductorError } from "./conductor-error.ts";
import { type Health, newHealth } from "./health.ts";
import { HealthTable } from "./health-table.ts";
import { MultiMap } from "./multi-map.ts";
import { makeToken, readToken, TokenHashes } from "./tokens.ts";

export type Metrics = Readonly<Record<string, number>>;

/** What all components have, by their slots. */
interface Tables {
  readonly healths: HealthTable;
  readonly hashes: TokenHashes;
}

/**
 * One instance of one component. There may be 100 000 of these: texts that many have are shared, what can be computed is not kept,
 * and all fields are there from the beginning.
 */
export class Component {
  readonly id: string;
  /** Its number in lists of numbers; used again by others once it is gone. */
  readonly slot: number;
  version: string;
  host: string;
  port: number;
  capabilities: readonly string[];
  /** A path on its own port, or a URL. */
  healthCheck: string | null;
  /** JWK or JWK Set, as it was given. */
  publicKey: Readonly<Record<string, unknown>> | null;
  /** Milliseconds since 1970. */
  registeredAt: number;
  metrics: Metrics | null = null;
  /** Of the changes of others, the last that it was told. */
  toldChange = 0;
  readonly #tables: Tables;

  constructor(id: string, slot: number, kept: Kept, tables: Tables) {
    this.#tables = tables;
    this.id = id;
    this.slot = slot;
    this.version = kept.version;
    this.host = kept.host;
    this.port = kept.port;
    this.capabilities = kept.capabilities;
    this.healthCheck = kept.healthCheck;
    this.publicKey = kept.publicKey ?? null;
    this.tokenHash = kept.tokenHash;
    this.registeredAt = kept.registeredAt;
  }

  get health(): Health {
    return this.#tables.healths.read(this.slot);
  }

  set health(health: Health) {
    this.#tables.healths.write(this.slot, health);
  }

  get tokenHash(): string {
    return this.#tables.hashes.read(this.slot);
  }

  set tokenHash(hash: string) {
    this.#tables.hashes.write(this.slot, hash);
  }

  get name(): string {
    return nameOfId(this.id);
  }

  /** Where it is reached, without a slash at the end. */
  get url(): string {
    return `http://${inUrl(this.host)}:${this.port}`;
  }

  get healthCheckUrl(): string | null {
    return this.healthCheck?.startsWith("/") === true ? this.url + this.healthCheck : this.healthCheck;
  }

  /** Another each time that it registers. */
  get instance(): string {
    return this.tokenHash.slice(0, 10);
  }

  /** It has registered again. */
  renew(kept: Kept): void {
    this.version = kept.version;
    this.host = kept.host;
    this.port = kept.port;
    this.capabilities = kept.capabilities;
    this.healthCheck = kept.healthCheck;
    this.publicKey = kept.publicKey ?? null;
    this.tokenHash = kept.tokenHash;
    this.registeredAt = kept.registeredAt;
    this.metrics = null;
  }
}

export interface Registration {
  readonly name: string;
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly capabilities: readonly string[];
  /** A path on its own port, or a URL. */
  readonly healthCheck: string | null;
  /** JWK or JWK Set, for others; none in what was kept by an earlier version. */
  readonly publicKey?: Readonly<Record<string, unknown>> | undefined;
  readonly intervalMs: number;
  readonly leaseMs: number;
  /** False: it is asked by its health check alone, and is known until it is deregistered. */
  readonly doesBeat: boolean;
  /** By Harbor, as a service that it runs. */
  readonly isOfStack: boolean;
  /** `true`: another one beside those of its name that are there. */
  readonly isOneOfMany: boolean;
  /** Of those, the one that it is again. */
  readonly id: string | undefined;
}

/** What a restart of the conductor does not lose. */
interface Kept extends Omit<Registration, "isOneOfMany" | "id" | "doesBeat" | "isOfStack"> {
  /** Left out where it does. */
  readonly doesBeat?: false;
  readonly isOfStack?: true;
  readonly tokenHash: string;
  readonly registeredAt: number;
}

export interface Registered {
  readonly component: Component;
  readonly token: string;
  /** It takes the place of an instance before, whose token is no longer good. */
  readonly isAgain: boolean;
}

const KIND = "component";
const KNOWN_SHOWN = 20;
/** Of a number that is asked for: the next ones of that name are numbers too. */
const HIGHEST = 999_999_999;
const SHARED = 1_000;

export class Registry {
  readonly #documents: Documents;
  readonly #clock: Clock;
  readonly #ids = new Map<string, Component>();
  /** By name, those that are not the first of it: most names have one instance, which is found by its id. */
  readonly #others = new MultiMap<Component>();
  readonly #capabilities = new MultiMap<Component>();
  readonly #slots: (Component | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #tables: Tables = { healths: new HealthTable(), hashes: new TokenHashes() };
  /** Of names with several instances, the highest number given: none is used again while others of its name are there. */
  readonly #highest = new Map<string, number>();
  /** Registered by Harbor. A few of many: no field of each. */
  readonly #ofStack = new Set<Component>();
  readonly #lists = new Shared<readonly string[]>();
  readonly #texts = new Shared<string>();
  /** Registrations under way, by id: of two at once the later one counts, on disk as well. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(documents: Documents, clock: Clock) {
    this.#documents = documents;
    this.#clock = clock;
  }

  get size(): number {
    return this.#ids.size;
  }

  /** Those of an earlier life, each granted a round. */
  async load(): Promise<Component[]> {
    const kept = await this.#documents.list<Kept>(KIND);
    return kept.map(({ id, value }) => this.#add(id, value));
  }

  get(id: string): Component | undefined {
    return this.#ids.get(id);
  }

  /** Throws `unknown_component`, with what is known. */
  expect(id: string): Component {
    const component = this.#ids.get(id);
    if (component === undefined) throw this.unknown(id);
    return component;
  }

  /** Whether Harbor has registered it, as a service that it runs. */
  isOfStack(component: Component): boolean {
    return this.#ofStack.has(component);
  }

  at(slot: number): Component | undefined {
    return this.#slots[slot];
  }

  all(): MapIterator<Component> {
    return this.#ids.values();
  }

  named(name: string): readonly Component[] {
    const first = this.#ids.get(idOf(name, 1));
    const others = this.#others.get(name);
    return first === undefined ? others : [first, ...others];
  }

  capableOf(capability: string): readonly Component[] {
    return this.#capabilities.get(capability);
  }

  /** The component whose token this is. */
  authenticate(token: string): Component | undefined {
    const read = readToken(token);
    const component = read === undefined ? undefined : this.#ids.get(read.id);
    return component !== undefined && component.tokenHash === read?.hash ? component : undefined;
  }

  /** Kept on disk before it is answered. */
  register(registration: Registration): Promise<Registered> {
    const id = this.#idFor(registration);
    return this.#inTurn(id, () => this.#keep(id, registration));
  }

  /** Takes it off the disk. False where it has registered again meanwhile, or another one under its id: that one stays. */
  erase({ id, instance }: Component): Promise<boolean> {
    const before = this.#ids.get(id);
    return this.#inTurn(id, async () => {
      const now = this.#ids.get(id);
      if (now !== before || (now !== undefined && now.instance !== instance)) return false;
      await this.#documents.delete(KIND, id);
      return true;
    });
  }

  /** One after the other for each id. */
  async #inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).catch(() => {}).then(work);
    this.#turns.set(id, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(id) === turn) this.#turns.delete(id);
    }
  }

  async #keep(id: string, registration: Registration): Promise<Registered> {
    const { token, hash } = makeToken(id);
    const { isOneOfMany: _, id: __, doesBeat, isOfStack, ...rest } = registration;
    const usual: Kept = { ...rest, tokenHash: hash, registeredAt: this.#clock.now() };
    const kept = doesBeat && !isOfStack ? usual : { ...usual, ...(doesBeat ? {} : { doesBeat }), ...(isOfStack ? { isOfStack } : {}) };
    await this.#documents.put(KIND, id, kept);
    const known = this.#ids.get(id);
    if (known !== undefined) this.#replace(known, kept);
    return { component: known ?? this.#add(id, kept), token, isAgain: known !== undefined };
  }

  unknown(id: string): ConductorError {
    const alike = this.named(nameOfId(id)).map((component) => component.id);
    const known = (alike.length > 0 ? alike : [...this.#ids.keys().take(KNOWN_SHOWN)]).slice(0, KNOWN_SHOWN);
    return new ConductorError("unknown_component", `No component "${id}" is registered`, {
      hint: "POST /register first; GET /services lists all",
      details: { known, known_total: this.size },
    });
  }

  #idFor({ name, isOneOfMany, id }: Registration): string {
    if (id !== undefined) {
      const number = Number(id.slice(name.length + 1));
      // one way to write each: of `-0001` nobody would know that it is the first
      if (!(number >= 1 && number <= HIGHEST && id === idOf(name, number))) {
        throw new ConductorError("invalid_request", `"component_id" is "${id}", which is none of "${name}"`, {
          hint: `as in "${name}-001", or leave it out`,
          details: { field: "component_id" },
        });
      }
      return id;
    }
    if (!isOneOfMany) return idOf(name, 1);
    const number = (this.#highest.get(name) ?? (this.#ids.has(idOf(name, 1)) ? 1 : 0)) + 1;
    // taken at once: of two that come together each gets one of its own
    this.#highest.set(name, number);
    return idOf(name, number);
  }

  #add(id: string, kept: Kept): Component {
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    const component = new Component(id, slot, this.#share(kept), this.#tables);
    component.health = this.#newHealth(kept);
    this.#mark(component, kept);
    const { name, capabilities } = component;
    this.#slots[slot] = component;
    this.#ids.set(id, component);
    for (const capability of capabilities) this.#capabilities.add(capability, component);
    const number = Number(id.slice(name.length + 1));
    if (number === 1) return component;
    this.#others.add(name, component);
    this.#highest.set(name, Math.max(number, this.#highest.get(name) ?? 1));
    return component;
  }

  #replace(component: Component, kept: Kept): void {
    for (const capability of component.capabilities) this.#capabilities.delete(capability, component);
    component.renew(this.#share(kept));
    this.#mark(component, kept);
    component.health = this.#newHealth(kept);
    for (const capability of component.capabilities) this.#capabilities.add(capability, component);
  }

  /** From then on nobody finds it, and its slot is another's. */
  remove(component: Component): void {
    if (this.#ids.get(component.id) !== component) return;
    this.#ids.delete(component.id);
    this.#ofStack.delete(component);
    const { name } = component;
    this.#others.delete(name, component);
    if (this.#others.count(name) === 0 && !this.#ids.has(idOf(name, 1))) this.#highest.delete(name);
    for (const capability of component.capabilities) this.#capabilities.delete(capability, component);
    this.#slots[component.slot] = undefined;
    this.#freeSlots.push(component.slot);
  }

  #mark(component: Component, { isOfStack }: Kept): void {
    if (isOfStack === true) this.#ofStack.add(component);
    else this.#ofStack.delete(component);
  }

  #newHealth({ intervalMs, leaseMs, doesBeat }: Kept): Health {
    return newHealth(intervalMs, leaseMs, this.#clock.steady(), doesBeat);
  }

  #share(kept: Kept): Kept {
    const { version, host, capabilities, healthCheck } = kept;
    return {
      ...kept,
      version: this.#texts.of(version, version),
      host: this.#texts.of(host, host),
      healthCheck: healthCheck === null ? null : this.#texts.of(healthCheck, healthCheck),
      capabilities: this.#lists.of(capabilities.join("\n"), capabilities),
    };
  }
}

/** `sherlock-hub-001`, in one piece: what is put together is otherwise kept as its pieces. */
function idOf(name: string, number: number): string {
  return [name, String(number).padStart(3, "0")].join("-");
}

/** "sherlock-hub-001" is one of "sherlock-hub". */
export function nameOfId(id: string): string {
  return id.replace(/-\d+$/, "");
}

/** Values that many have, once. */
class Shared<V> {
  readonly #values = new Map<string, V>();

  /** The first that came under this key. */
  of(key: string, value: V): V {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    // beyond that they are not what many have
    if (this.#values.size >= SHARED) this.#values.clear();
    this.#values.set(key, value);
    return value;
  }
}
