/** Who is there: components by id, name and capability, kept across restarts of the conductor. */
import type { Documents } from "../store/store.ts";
import type { Clock } from "./clock.ts";
import { ConductorError } from "./conductor-error.ts";
import { type Health, newHealth } from "./health.ts";
import { MultiMap } from "./multi-map.ts";
import { makeToken, readToken } from "./tokens.ts";

export type Metrics = Readonly<Record<string, number>>;

/** One instance of one component. There may be 100 000 of these: what is the same for many is shared, what can be computed is not kept. */
export interface Component {
  readonly id: string;
  readonly name: string;
  /** Its number in lists of numbers; used again by others once it is gone. */
  readonly slot: number;
  /** Another each time that it registers. */
  instance: string;
  version: string;
  host: string;
  port: number;
  capabilities: readonly string[];
  healthCheckUrl: string | null;
  tokenHash: string;
  /** Milliseconds since 1970. */
  registeredAt: number;
  health: Health;
  metrics: Metrics | null;
  /** Of the changes of others, the last that it was told. */
  toldChange: number;
}

export interface Registration {
  readonly name: string;
  readonly version: string;
  readonly host: string;
  readonly port: number;
  readonly capabilities: readonly string[];
  readonly healthCheckUrl: string | null;
  readonly intervalMs: number;
  readonly leaseMs: number;
  /** `true`: another one beside those of its name that are there. */
  readonly isOneOfMany: boolean;
  /** Of those, the one that it is again. */
  readonly id: string | undefined;
}

/** What a restart of the conductor does not lose. */
interface Kept extends Omit<Registration, "isOneOfMany" | "id"> {
  readonly instance: string;
  readonly tokenHash: string;
  readonly registeredAt: number;
}

export interface Registered {
  readonly component: Component;
  readonly token: string;
  /** It was there before: the earlier instance's token is no longer good. */
  readonly isReplaced: boolean;
}

const KIND = "component";
const KNOWN_SHOWN = 20;
const LISTS_SHARED = 1_000;

export class Registry {
  readonly #documents: Documents;
  readonly #clock: Clock;
  readonly #ids = new Map<string, Component>();
  readonly #names = new MultiMap<Component>();
  readonly #capabilities = new MultiMap<Component>();
  readonly #slots: (Component | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  /** Of names with several instances, the highest number given: none is used again while others of its name are there. */
  readonly #highest = new Map<string, number>();
  /** Lists of capabilities, of which many components have the same. */
  readonly #lists = new Map<string, readonly string[]>();
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

  at(slot: number): Component | undefined {
    return this.#slots[slot];
  }

  all(): MapIterator<Component> {
    return this.#ids.values();
  }

  named(name: string): readonly Component[] {
    return this.#names.get(name);
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
    const turn = (this.#turns.get(id) ?? Promise.resolve()).catch(() => {}).then(() => this.#keep(id, registration));
    this.#turns.set(id, turn);
    return turn.finally(() => this.#turns.get(id) === turn && this.#turns.delete(id));
  }

  async #keep(id: string, registration: Registration): Promise<Registered> {
    const { token, hash } = makeToken(id);
    const { isOneOfMany: _, id: __, ...rest } = registration;
    const instance = Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString("base64url");
    const kept: Kept = { ...rest, instance, tokenHash: hash, registeredAt: this.#clock.now() };
    await this.#documents.put(KIND, id, kept);
    const before = this.#ids.get(id);
    if (before !== undefined) this.#replace(before, kept);
    return { component: before ?? this.#add(id, kept), token, isReplaced: before !== undefined };
  }

  async deregister(component: Component): Promise<void> {
    this.#remove(component);
    await this.#documents.delete(KIND, component.id);
  }

  unknown(id: string): ConductorError {
    const name = id.replace(/-\d+$/, "");
    const alike = this.named(name).map((component) => component.id);
    const known = (alike.length > 0 ? alike : [...this.#ids.keys().take(KNOWN_SHOWN)]).slice(0, KNOWN_SHOWN);
    return new ConductorError("unknown_component", `No component "${id}" is registered`, {
      hint: "POST /register first; GET /services lists all",
      details: { known, known_total: this.size },
    });
  }

  #idFor({ name, isOneOfMany, id }: Registration): string {
    if (id !== undefined) {
      if (!new RegExp(`^${RegExp.escape(name)}-\\d{3,}$`).test(id)) {
        throw new ConductorError("invalid_request", `"component_id" is "${id}", which is none of "${name}"`, {
          hint: `as in "${name}-001", or leave it out`,
          details: { field: "component_id" },
        });
      }
      return id;
    }
    if (!isOneOfMany) return this.#idOf(name, 1);
    const number = (this.#highest.get(name) ?? 0) + 1;
    // taken at once: of two that come together each gets one of its own
    this.#highest.set(name, number);
    return this.#idOf(name, number);
  }

  #idOf(name: string, number: number): string {
    return `${name}-${String(number).padStart(3, "0")}`;
  }

  #add(id: string, kept: Kept): Component {
    const component: Component = {
      id,
      slot: this.#freeSlots.pop() ?? this.#slots.length,
      ...this.#ownFields(kept),
      metrics: null,
      toldChange: 0,
    };
    this.#slots[component.slot] = component;
    this.#ids.set(id, component);
    this.#names.add(component.name, component);
    for (const capability of component.capabilities) this.#capabilities.add(capability, component);
    this.#highest.set(component.name, Math.max(this.#highest.get(component.name) ?? 0, Number(id.slice(component.name.length + 1))));
    return component;
  }

  #replace(component: Component, kept: Kept): void {
    for (const capability of component.capabilities) this.#capabilities.delete(capability, component);
    Object.assign(component, this.#ownFields(kept), { metrics: null });
    for (const capability of component.capabilities) this.#capabilities.add(capability, component);
  }

  #remove(component: Component): void {
    if (this.#ids.get(component.id) !== component) return;
    this.#ids.delete(component.id);
    this.#names.delete(component.name, component);
    if (this.#names.count(component.name) === 0) this.#highest.delete(component.name);
    for (const capability of component.capabilities) this.#capabilities.delete(capability, component);
    this.#slots[component.slot] = undefined;
    this.#freeSlots.push(component.slot);
  }

  #ownFields({ intervalMs, leaseMs, capabilities, ...kept }: Kept) {
    return {
      ...kept,
      capabilities: this.#share(capabilities),
      health: newHealth(intervalMs, leaseMs, this.#clock.steady()),
    };
  }

  #share(list: readonly string[]): readonly string[] {
    const key = list.join("\n");
    const shared = this.#lists.get(key);
    if (shared !== undefined) return shared;
    if (this.#lists.size >= LISTS_SHARED) this.#lists.clear();
    this.#lists.set(key, list);
    return list;
  }
}
