/** The HTTP side: routes, who may ask, limits, and errors in one shape. */
import { routes as access } from "./api/access.ts";
import { routes as alerts } from "./api/alerts.ts";
import { codeOf, DEFECT, refusal } from "./api/answers.ts";
import { Auditor, routes as audit } from "./api/audit.ts";
import { routes as broadcast } from "./api/broadcast.ts";
import { type Endpoint, type Method, type Principal, pathOf, type Routes } from "./api/call.ts";
import { routes as dashboard } from "./api/dashboard.ts";
import { routes as discovery } from "./api/discovery.ts";
import { routes as events } from "./api/events.ts";
import { Guard } from "./api/guard.ts";
import { routes as heartbeat } from "./api/heartbeat.ts";
import { routes as metrics } from "./api/metrics.ts";
import { routes as openapi } from "./api/openapi.ts";
import { routes as queue } from "./api/queue.ts";
import { routes as register } from "./api/register.ts";
import { routes as requests } from "./api/requests.ts";
import { routes as route } from "./api/route.ts";
import { eventEncoding } from "./api/sse.ts";
import { routes as state } from "./api/state.ts";
import { routes as status } from "./api/status.ts";
import { withoutHidden } from "./api/visible.ts";
import { plainAddress } from "./core/address.ts";
import type { AuditLog } from "./core/audit-log.ts";
import { type Clock, systemClock } from "./core/clock.ts";
import { Conductor } from "./core/conductor.ts";
import { ConductorError } from "./core/conductor-error.ts";
import { Listener } from "./listener.ts";
import type { Settings } from "./settings.ts";
import type { Store } from "./store/store.ts";
import type { TlsPair } from "./tls.ts";

/** All of them. */
export const ROUTES: Routes = {
  ...{ ...status, ...register, ...heartbeat, ...discovery, ...route },
  ...{ ...events, ...queue, ...broadcast, ...requests, ...state },
  ...{ ...metrics, ...dashboard, ...alerts, ...access, ...audit, ...openapi },
};

/**
 * Seconds without a byte until a connection is closed, unless its route holds it. Bun also wants 16 kB/s of a body on such a
 * connection, which is what ends those who send one byte now and then; headers have 16 kB and this pause between any two bytes.
 */
const IDLE_S = 10;

export interface ServerOptions {
  readonly settings: Settings;
  readonly store: Store;
  readonly clock?: Clock;
  /** Where defects are told. */
  readonly complain: (problem: string) => void;
  /** Where it is written down who did what. */
  readonly audit?: AuditLog | undefined;
  /** Until a connection without a byte is closed. */
  readonly idleSeconds?: number;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  readonly conductor: Conductor;
  /** Looks at once whether the files of the certificate are others now; it does so by itself every half minute. */
  renewCertificate(): void;
  /** Open streams are closed; other requests may end by themselves for this long. */
  stop(drainMs?: number): Promise<void>;
}

/** Listens once it knows again whom it knew; port 0 takes a free one. Throws where the port is taken. */
export async function startServer({
  settings,
  store,
  clock = systemClock,
  complain,
  audit,
  idleSeconds = IDLE_S,
}: ServerOptions): Promise<RunningServer> {
  let ownPort = settings.port;
  const conductor = new Conductor({ settings, store, clock, encoding: eventEncoding, ownPort: () => ownPort, complain, audit });
  const guard = new Guard(conductor);
  const answerer = new Answerer(conductor, guard, complain);
  await conductor.start();
  let listener: Listener;
  try {
    const serve = (port: number, tls: TlsPair | undefined) => listen({ settings, answerer, idleTimeout: idleSeconds, port, tls });
    listener = new Listener({ tls: settings.tls, port: settings.port, serve, complain });
  } catch (error) {
    conductor.stop();
    throw error;
  }
  ownPort = listener.port;
  return {
    url: listener.url,
    port: ownPort,
    conductor,
    renewCertificate: () => listener.renew(),
    stop: async (drainMs = 0) => {
      conductor.stop();
      await listener.stop(drainMs);
    },
  };
}

interface ListenOptions {
  readonly settings: Settings;
  readonly answerer: Answerer;
  readonly idleTimeout: number;
  readonly port: number;
  readonly tls: TlsPair | undefined;
}

function listen({ settings, answerer, idleTimeout, port, tls }: ListenOptions): Bun.Server<undefined> {
  const handlers = Object.entries(ROUTES).map(([path, methods]) => [
    path,
    (request: Bun.BunRequest, server: Bun.Server<undefined>) =>
      answerer.answer(request, server, { path, methods: firstPartOf(pathOf(request)) === firstPartOf(path) ? methods : {} }),
  ]);
  return Bun.serve({
    hostname: settings.host,
    port,
    ...(tls === undefined ? {} : { tls: { cert: tls.cert, key: tls.key } }),
    maxRequestBodySize: Math.max(settings.maxBodyBytes, settings.maxRouteBodyBytes),
    idleTimeout,
    development: false,
    routes: Object.fromEntries(handlers),
    fetch: (request, server) => answerer.answer(request, server, { path: pathOf(request), methods: {} }),
  });
}

/**
 * Bun finds the route by the path as it came, and its `url` has the dots taken out: by `/state/../services` they are two different
 * things, and what rules allow is looked up by one of them.
 */
function firstPartOf(path: string): string {
  return path.split("/", 2)[1] ?? "";
}

type AskedFor = Request & { params?: Record<string, string> };

interface Route {
  /** As it is written in ROUTES; of what is not there, as it was asked for. */
  readonly path: string;
  readonly methods: Routes[string];
}

/** What is known of a request so far. */
interface Seen {
  readonly from: string;
  principal: Principal | undefined;
  about: Readonly<Record<string, unknown>> | undefined;
}

class Answerer {
  readonly #conductor: Conductor;
  readonly #guard: Guard;
  readonly #complain: (problem: string) => void;
  readonly #auditor: Auditor | undefined;

  constructor(conductor: Conductor, guard: Guard, complain: (problem: string) => void) {
    const { audit, settings, clock } = conductor;
    this.#conductor = conductor;
    if (audit !== undefined && settings.audit !== "off") this.#auditor = new Auditor(audit, settings.audit, clock);
    this.#guard = guard;
    this.#complain = complain;
  }

  async answer(request: AskedFor, server: Bun.Server<undefined>, route: Route): Promise<Response> {
    const seen: Seen = { from: plainAddress(server.requestIP(request)?.address ?? ""), principal: undefined, about: undefined };
    let code: string | undefined;
    let response: Response;
    try {
      response = await this.#handle(request, server, route, seen);
    } catch (error) {
      code = codeOf(error);
      response = this.#explain(error, request, seen.principal);
    }
    this.#auditor?.hear({ request, path: route.path, ...seen, status: response.status, code });
    return response;
  }

  #handle(request: AskedFor, server: Bun.Server<undefined>, { path, methods }: Route, seen: Seen): Response | Promise<Response> {
    const { from } = seen;
    const endpoint = methods.ANY ?? methods[(request.method === "HEAD" ? "GET" : request.method) as Method] ?? nowhere(methods);
    const principal = this.#guard.identify(request, endpoint, from);
    seen.principal = principal;
    this.#guard.check(principal, { request, endpoint, path });
    const note = (about: Readonly<Record<string, unknown>>): void => {
      seen.about = about;
    };
    const { params = {} } = request;
    return endpoint.handle({ request, params, principal, from, conductor: this.#conductor, note, hold: () => server.timeout(request, 0) });
  }

  #explain(error: unknown, request: Request, principal: Principal | undefined): Response {
    const answer = refusal(withoutHidden(error, this.#conductor, principal));
    if (answer !== undefined) return answer;
    // whoever asked has gone: nobody reads this
    if (request.signal.aborted) return new Response(null, { status: 499 });
    this.#complain(`${request.method} ${new URL(request.url).pathname}: ${(error as Error).stack}`);
    return Response.json({ error: DEFECT }, { status: 500 });
  }
}

/** What is said to those that may ask at all: others are not told which paths there are. */
function nowhere(methods: Routes[string]): Endpoint {
  return {
    handle: ({ request }) => {
      const allowed = Object.keys(methods);
      const path = new URL(request.url).pathname;
      if (allowed.length > 0) {
        throw new ConductorError("method_not_allowed", `${request.method} is nothing that ${path} knows`, {
          hint: `use ${allowed.join(" or ")}`,
          details: { allowed },
        });
      }
      throw new ConductorError("not_found", `There is no ${path}`, { details: { paths: Object.keys(ROUTES) } });
    },
  };
}
