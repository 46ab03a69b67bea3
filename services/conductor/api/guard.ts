/** Who asks, and whether they may ask again already. */
import { timingSafeEqual } from "node:crypto";
import { plainAddress } from "../core/address.ts";
import type { Conductor } from "../core/conductor.ts";
import { ConductorError } from "../core/conductor-error.ts";
import { LastBuckets, Rates, SlotBuckets } from "../core/rates.ts";
import type { Component } from "../core/registry.ts";
import { type Endpoint, type Principal, wantsPage } from "./call.ts";
import { operationOf } from "./operations.ts";

const OPERATOR: Principal = { kind: "operator" };
const STACK: Principal = { kind: "operator", isStack: true };
/** Tokens that are not good, from one address. */
const WRONG = { perSecond: 2, burst: 20, addresses: 10_000 };

export class Guard {
  readonly #conductor: Conductor;
  readonly #rates: Rates<Component> | undefined;
  readonly #wrong = new Rates<string>(WRONG.perSecond, WRONG.burst, new LastBuckets(WRONG.addresses));

  constructor(conductor: Conductor) {
    const { requestsPerSecond } = conductor.settings;
    this.#conductor = conductor;
    // twice that at once: what waited while a component was busy comes together
    if (requestsPerSecond > 0) this.#rates = new Rates(requestsPerSecond, 2 * requestsPerSecond, new SlotBuckets());
  }

  /** Who it is. Throws `token_required`, `unknown_token`; `access_denied` for another place's page, `rate_limited` after wrong tokens. */
  identify(request: Request, endpoint: Endpoint, from: string): Principal {
    refuseOtherPages(request);
    if (endpoint.access === "open" || (endpoint.access === "page" && wantsPage(request))) return OPERATOR;
    if (this.#conductor.settings.token === "") refuseOtherNames(request);
    return this.#identify(request, from);
  }

  /** Whether it may do that now. `path`: of the route, with its `:names`. Throws `access_denied`, `rate_limited`. */
  check(principal: Principal, { request, endpoint, path }: { request: Request; endpoint: Endpoint; path: string }): void {
    if (principal.kind === "operator") return;
    const { access, clock, settings } = this.#conductor;
    if (endpoint.access === "operator") {
      throw new ConductorError("access_denied", "This needs the conductor's own token, not a component's", {
        hint: "harbor config get conductor.token",
      });
    }
    const wait = this.#rates?.take(principal.component, clock.steady()) ?? 0;
    if (wait > 0) throw tooOften(`${principal.component.id} asks more than ${settings.requestsPerSecond} times a second`, wait);
    const operation = operationOf(request.method, path);
    if (operation !== undefined) access.require(principal.component, operation);
  }

  #identify(request: Request, from: string): Principal {
    const token = tokenOf(request);
    const { settings, registry, clock } = this.#conductor;
    if (token === undefined) {
      if (settings.token === "") return OPERATOR;
      throw new ConductorError("token_required", "No token was sent", {
        hint: "Authorization: Bearer <token>: the component's own, or the conductor's (harbor config get conductor.token)",
      });
    }
    const component = registry.authenticate(token);
    if (component !== undefined) return { kind: "component", component };
    const now = clock.steady();
    const wait = this.#wrong.wait(from, now);
    if (wait > 0) throw tooOften("Too many wrong tokens came from this address", wait);
    if (settings.token !== "" && isSame(token, settings.token)) return OPERATOR;
    if (settings.stackToken !== "" && isSame(token, settings.stackToken)) return STACK;
    this.#wrong.take(from, now);
    throw new ConductorError("unknown_token", "This token is not good here, or not any more", {
      hint: "it is replaced when the component registers again, and gone when its lease is over: POST /register",
    });
  }
}

function tooOften(message: string, waitMs: number): ConductorError {
  return new ConductorError("rate_limited", message, {
    hint: "wait, then go on more slowly",
    details: { retry_after: Math.max(1, Math.ceil(waitMs / 1_000)) },
  });
}

/** `X-Harbor-Token` where `Authorization` is meant for the one that a request is routed to. */
function tokenOf({ headers }: Request): string | undefined {
  const own = headers.get("x-harbor-token");
  if (own !== null) return own;
  const [, bearer] = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  return bearer;
}

/** Hashed first, so that the time tells nothing of the length either. */
function isSame(a: string, b: string): boolean {
  const [ours, theirs] = [a, b].map((text) => new Bun.CryptoHasher("sha256").update(text).digest());
  return ours !== undefined && theirs !== undefined && timingSafeEqual(ours, theirs);
}

/** A browser says whose page asks. */
function refuseOtherPages({ headers }: Request): void {
  const origin = headers.get("origin");
  if (origin === null || URL.parse(origin)?.host === headers.get("host")) return;
  throw new ConductorError("access_denied", "Web pages of other places are not answered", { details: { origin } });
}

/** Where nobody is asked for a token, a page must not reach the conductor by a name of its own that it lets point here (DNS rebinding). */
function refuseOtherNames({ headers }: Request): void {
  const name = plainAddress(URL.parse(`http://${headers.get("host") ?? ""}`)?.hostname ?? "");
  const isKnown = /^[\d.]+$/.test(name) || name.includes(":") || ["localhost", "conductor", "conductor.internal"].includes(name);
  if (isKnown) return;
  throw new ConductorError("access_denied", `The conductor is not known as "${name}"`, { hint: "ask 127.0.0.1, or give it a token" });
}
