/** GET /audit, and which requests are written down: what is done with the conductor's own token, what is refused, and more if asked so. */
import type { AuditEntry, AuditLevel, AuditLog } from "../core/audit-log.ts";
import type { Clock } from "../core/clock.ts";
import { LastBuckets, Rates } from "../core/rates.ts";
import { type Call, nameOf, type Principal, pathOf, queryOf, type Routes } from "./call.ts";
import { invalid, readQueryNumber } from "./fields.ts";

/** Of an entry. */
export const ENTRY_ID = /^\d{1,13}-\d{1,4}$/;
/** They are the ordinary course of things, or change nothing. */
const LEFT_OUT: ReadonlySet<string> = new Set(["/heartbeat", "/queue/ack", "/queue/release", "/requests/answer"]);
const REFUSED: ReadonlySet<number> = new Set([401, 403, 429]);
/** Refusals that are written down, of each address: a flood of them shall not push out all else. */
const REFUSALS = { perSecond: 5, burst: 50, addresses: 1_000 };
const PATH_LENGTH = 600;
export const LIMIT = { fallback: 100, least: 1, most: 1_000 };

export const routes: Routes = { "/audit": { GET: { handle: list, access: "operator" } } };

async function list(call: Call): Promise<Response> {
  const query = queryOf(call);
  const since = query.get("since") ?? undefined;
  if (since !== undefined && !ENTRY_ID.test(since)) throw invalid("since", "must be the id of an entry");
  const limit = readQueryNumber(query, "limit", LIMIT);
  const { audit, settings } = call.conductor;
  return Response.json({ audit: audit === undefined ? "off" : settings.audit, entries: (await audit?.read({ limit, since })) ?? [] });
}

/** What became of a request. */
export interface Audited {
  readonly request: Request;
  /** Of the route. */
  readonly path: string;
  readonly from: string;
  /** Undefined where nobody was let in. */
  readonly principal: Principal | undefined;
  readonly status: number;
  readonly code: string | undefined;
  readonly about: Readonly<Record<string, unknown>> | undefined;
}

export class Auditor {
  readonly #log: AuditLog;
  readonly #level: AuditLevel;
  readonly #clock: Clock;
  readonly #refusals = new Rates<string>(REFUSALS.perSecond, REFUSALS.burst, new LastBuckets(REFUSALS.addresses));
  #leftOut = 0;

  constructor(log: AuditLog, level: AuditLevel, clock: Clock) {
    this.#log = log;
    this.#level = level;
    this.#clock = clock;
  }

  hear(audited: Audited): void {
    const isRefused = REFUSED.has(audited.status);
    if (!isRefused && !this.#isWanted(audited)) return;
    if (isRefused && this.#refusals.take(audited.from, this.#clock.steady()) > 0) {
      this.#leftOut++;
      return;
    }
    this.#log.record(this.#describe(audited));
    this.#leftOut = 0;
  }

  #isWanted({ request: { method }, path, principal }: Audited): boolean {
    if (method === "GET" || method === "HEAD" || LEFT_OUT.has(path) || principal === undefined) return false;
    return principal.kind === "operator" || path === "/deregister" || this.#level === "changes";
  }

  #describe({ request, path, from, principal, status, code, about }: Audited): Omit<AuditEntry, "id" | "time"> {
    // what follows the name is the component's own
    const shown = path === "/route/*" ? pathOf(request).split("/").slice(0, 3).join("/") : pathOf(request);
    return {
      who: principal === undefined ? null : nameOf(principal),
      ...{ from, action: `${request.method} ${shown.slice(0, PATH_LENGTH)}`, status },
      ...(code === undefined ? {} : { code }),
      ...(about === undefined ? {} : { about }),
      ...(this.#leftOut === 0 ? {} : { left_out: this.#leftOut }),
    };
  }
}
