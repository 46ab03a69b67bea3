/** Which payloads are encrypted, for whom, and whose are believed: what `encryption` of `connect` says. */
import type { JWK } from "jose";
import { type Binding, digestOf, type Envelope, isEnvelope, open, seal } from "./envelope.ts";
import { ConductorClientError } from "./http.ts";
import type { OwnKeys } from "./key-file.ts";
import type { Session } from "./session.ts";

export interface EncryptionOptions {
  /** Made at the first start, for this user alone. Who loses it cannot read what waits. */
  readonly keyFile: string;
  /**
   * By component or id, the thumbprints (RFC 7638) of its two keys, learned elsewhere than from the conductor. Where there are any, nobody else
   * is written to or believed. Without them keys are those that the conductor hands out.
   */
  readonly pins?: Readonly<Record<string, readonly string[]>>;
  /** `allow`: with those that have no key it goes on in plain text. */
  readonly plaintext?: "refuse" | "allow";
}

/** Of another component. */
interface Peer {
  readonly id: string;
  /** Undefined where it has published none. */
  readonly key: JWK | undefined;
  readonly thumbprints: readonly string[];
}

interface Found {
  readonly component_id: string;
  readonly component: string;
  readonly public_key?: JWK | { readonly keys: readonly JWK[] };
}

/** How long a key counts as known. */
const FRESH_MS = 10_000;
const KNOWN = 1_000;
const ID = /-\d{3,}$/;

export class Encryption {
  readonly #keys: OwnKeys;
  readonly #session: Session;
  readonly #options: EncryptionOptions;
  readonly #known = new Map<string, { peer: Peer; until: number }>();

  constructor(keys: OwnKeys, session: Session, options: EncryptionOptions) {
    this.#keys = keys;
    this.#session = session;
    this.#options = options;
  }

  /** RFC 7638, of this component's keys: what others pin. */
  get thumbprints(): readonly string[] {
    return this.#keys.thumbprints;
  }

  /** For one component, by id or name. Throws `no_public_key`, `unpinned_key`. The payload itself where plain text is allowed and has to be. */
  async sealFor(to: string, payload: unknown, what: Pick<Binding, "kind" | "type">): Promise<{ to: string; payload: unknown }> {
    const peer = await this.#find(to, what.kind === "request");
    return { to: peer.id, payload: await this.#seal(peer, payload, what) };
  }

  /** For everybody else, or those with a capability. Who cannot be written to is left out, and reported. */
  async others(capability: string | undefined): Promise<string[]> {
    const query = new URLSearchParams({ limit: "10000", ...(capability === undefined ? {} : { capability }) });
    const { services } = await this.#json<{ services: Found[] }>(`/services?${query}`);
    const ids: string[] = [];
    for (const service of services) {
      if (service.component_id === this.#session.id) continue;
      try {
        this.#keyOf(await this.#learn(service));
        ids.push(service.component_id);
      } catch (error) {
        this.#session.report(error);
      }
    }
    return ids;
  }

  /** What a component sent. Throws `not_encrypted`, `undecipherable`, `forged`. */
  open<T>(payload: unknown, about: Omit<Binding, "to">): Promise<T> {
    if (!isEnvelope(payload)) return this.#takePlain<T>(payload, about);
    const isSenders = (thumbprint: string): Promise<boolean> => this.#isSenders(about.from, thumbprint);
    return open<T>(payload, { ...about, to: this.#session.id }, { own: this.#keys.encryption, isSenders });
  }

  /** To whoever asked, of that request. */
  async sealAnswer(request: Envelope, to: string, type: string, answer: unknown): Promise<unknown> {
    const peer = await this.#find(to, false);
    return this.#seal(peer, answer, { kind: "answer", type, re: await digestOf(request) });
  }

  async openAnswer<T>(request: Envelope, from: string, type: string, answer: unknown): Promise<T> {
    return this.open<T>(answer, { from, kind: "answer", type, re: await digestOf(request) });
  }

  async #seal(peer: Peer, payload: unknown, what: Omit<Binding, "from" | "to">): Promise<unknown> {
    const key = this.#keyOf(peer);
    if (key === undefined) return payload;
    return seal(payload, { from: this.#session.id, to: peer.id, ...what }, { own: this.#keys.signature, to: key });
  }

  async #takePlain<T>(payload: unknown, { from, kind }: Omit<Binding, "to">): Promise<T> {
    if (this.#options.plaintext === "allow") return payload as T;
    throw new ConductorClientError("not_encrypted", `This ${kind} of ${from}'s is in plain text`, {
      hint: 'it has to be encrypted here; encryption: { plaintext: "allow" } takes both',
    });
  }

  /** Undefined where it goes in plain text. */
  #keyOf({ id, key, thumbprints }: Peer): JWK | undefined {
    const pins = this.#pinsOf(id);
    if (key === undefined) {
      if (this.#options.plaintext === "allow" && pins === undefined) return undefined;
      throw new ConductorClientError("no_public_key", `${id} has published no key to encrypt for`, {
        hint: 'it registers with its public_key; encryption: { plaintext: "allow" } writes to it in plain text',
      });
    }
    if (pins !== undefined && !pins.includes(thumbprints[0] ?? "")) {
      throw new ConductorClientError("unpinned_key", `The key of ${id} is none that is pinned`, {
        hint: "the conductor hands out another one, or its key was replaced: ask whoever runs it",
        details: { component_id: id, thumbprints },
      });
    }
    return key;
  }

  /** Undefined where nobody is pinned; empty for one that is not, where others are. */
  #pinsOf(id: string): readonly string[] | undefined {
    const { pins } = this.#options;
    if (pins === undefined) return undefined;
    const name = id.replace(ID, "");
    return [...(Object.hasOwn(pins, id) ? (pins[id] ?? []) : []), ...(Object.hasOwn(pins, name) ? (pins[name] ?? []) : [])];
  }

  async #isSenders(from: string, thumbprint: string): Promise<boolean> {
    const pins = this.#pinsOf(from);
    if (pins !== undefined) return pins.includes(thumbprint);
    return (await this.#find(from, false)).thumbprints.includes(thumbprint);
  }

  /** `mayBeAny`: of several, and of those with that capability, one that can take a request. */
  async #find(to: string, mayBeAny: boolean): Promise<Peer> {
    const known = this.#known.get(to);
    if (known !== undefined && known.until > Date.now()) return known.peer;
    const peer = await this.#learn(await this.#lookUp(to, mayBeAny));
    this.#known.set(to, { peer, until: Date.now() + FRESH_MS });
    if (this.#known.size > KNOWN) this.#known.delete(this.#known.keys().next().value ?? "");
    return peer;
  }

  async #lookUp(to: string, mayBeAny: boolean): Promise<Found> {
    if (ID.test(to)) return this.#json<Found>(`/services/${encodeURIComponent(to)}`);
    const { services } = await this.#json<{ services: Found[] }>(`/services?${new URLSearchParams({ component: to })}`);
    const [only, ...others] = services;
    if (only !== undefined && others.length === 0) return only;
    if (mayBeAny) return this.#json<Found>(`/resolve?${new URLSearchParams(only === undefined ? { capability: to } : { component: to })}`);
    if (only === undefined) return this.#json<Found>(`/services/${encodeURIComponent(to)}`);
    throw new ConductorClientError("invalid_request", `There are ${services.length} instances of "${to}"`, {
      hint: "say which, by its id",
      details: { known: services.map(({ component_id }) => component_id) },
    });
  }

  async #learn({ component_id: id, public_key }: Found): Promise<Peer> {
    const keys: readonly JWK[] = public_key === undefined ? [] : "keys" in public_key ? (public_key.keys as JWK[]) : [public_key as JWK];
    const key = keys.find(({ use, kty }) => use !== "sig" && (kty === "EC" || kty === "OKP"));
    const signs = keys.filter(({ use }) => use !== "enc");
    const { calculateJwkThumbprint } = await import("jose");
    const thumbprint = (jwk: JWK): Promise<string> => calculateJwkThumbprint(jwk);
    // the first is the one to encrypt for
    return { id, key, thumbprints: await Promise.all([...(key === undefined ? [] : [key]), ...signs].map(thumbprint)) };
  }

  async #json<T>(path: string): Promise<T> {
    return this.#session.json<T>({ method: "GET", path });
  }
}
