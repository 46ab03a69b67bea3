/** A conductor on a free port for tests, and what tests ask it. */
import { afterEach } from "bun:test";
import type { AuditLog } from "../../../services/conductor/core/audit-log.ts";
import type { Clock } from "../../../services/conductor/core/clock.ts";
import { type RunningServer, startServer } from "../../../services/conductor/server.ts";
import { readSettings, type Settings } from "../../../services/conductor/settings.ts";
import type { StoreOptions } from "../../../services/conductor/store/store.ts";
import { expectDescribed, expectDescribedEvent } from "./_described.ts";
import { makePlace, type Place, type TestStore, withSwitch } from "./_places.ts";

export { describeOnBoth } from "./_places.ts";

export const TOKEN = "join-me";

/** Both clocks, moved by hand. */
export interface HandClock extends Clock {
  pass(ms: number): void;
}

export function handClock(): HandClock {
  let ms = 1_000_000;
  return {
    now: () => 1_800_000_000_000 + ms,
    steady: () => ms,
    pass: (more) => {
      ms += more;
    },
  };
}

export interface Harness extends RunningServer {
  readonly store: TestStore;
  /** What was complained about. */
  readonly problems: string[];
  /** JSON there and back; `token: null` sends none. */
  ask(method: string, path: string, options?: { body?: unknown; token?: string | null; headers?: Record<string, string> }): Promise<Answer>;
  register(component: string, more?: Record<string, unknown>): Promise<{ id: string; token: string; body: Record<string, unknown> }>;
  beat(who: { id: string; token: string }, more?: Record<string, unknown>): Promise<Answer>;
  /** An open stream of events. */
  open(path: string, headers?: Record<string, string>): Promise<EventReader>;
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it, it says itself
  body: any;
}

export interface ServerOptions {
  settings?: Partial<Settings>;
  clock?: Clock;
  idleSeconds?: number;
  /** Of the store. */
  limits?: Partial<StoreOptions>;
  audit?: AuditLog;
  /** Where a SQLite file is. */
  folder?: string;
  /** A conductor of the same test: it is ended, and this one is at its address, with what is in its store. */
  after?: Harness;
}

interface Running {
  readonly server: Harness;
  readonly place: Place;
}

/** Servers end with the test, and their stores. To be called once in each file. */
export function useServers(): (options?: ServerOptions) => Promise<Harness> {
  let running: Running[] = [];
  const end = async (ended: readonly Running[]): Promise<void> => {
    running = running.filter((each) => !ended.includes(each));
    for (const { server } of ended) await server.stop();
    for (const { server } of ended) await server.store[Symbol.asyncDispose]();
  };
  afterEach(() => end(running));
  return async ({ settings = {}, clock, idleSeconds, limits = {}, folder, audit, after } = {}) => {
    const before = running.find(({ server }) => server === after);
    if (before !== undefined) await end([before]);
    const place = before?.place ?? (await makePlace({ ...(clock === undefined ? {} : { now: () => clock.now() }), ...limits }, folder));
    const store = withSwitch(await place());
    const problems: string[] = [];
    const server = await startServer({
      settings: { ...readSettings({ HARBOR_CONDUCTOR_TOKEN: TOKEN }), port: after?.port ?? 0, ...settings },
      store,
      audit,
      ...(clock === undefined ? {} : { clock }),
      ...(idleSeconds === undefined ? {} : { idleSeconds }),
      complain: (problem) => void problems.push(problem),
    });
    const harness = makeHarness(server, store, problems);
    running.push({ server: harness, place });
    return harness;
  };
}

function makeHarness(server: RunningServer, store: Harness["store"], problems: string[]): Harness {
  const ask: Harness["ask"] = async (method, path, { body, token = TOKEN, headers = {} } = {}) => {
    const response = await fetch(server.url + path, {
      method,
      headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json") === true && text !== "";
    const answer: Answer = { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    expectDescribed({ method, path, sent: body, ...answer });
    return answer;
  };
  return {
    ...server,
    store,
    problems,
    ask,
    register: async (component, more = {}) => {
      const { status, body } = await ask("POST", "/register", {
        body: { component, version: "1.0.0", port: 4_001, capabilities: [], ...more },
      });
      if (status !== 201) throw new Error(`not registered: ${JSON.stringify(body)}`);
      return { id: body.component_id, token: body.token, body };
    },
    beat: ({ id, token }, more = {}) => ask("POST", "/heartbeat", { token, body: { component_id: id, status: "healthy", ...more } }),
    open: (path, headers) => openEvents(server.url + path, headers),
  };
}

export interface SentEvent {
  id?: string;
  event: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it, it says itself
  data: any;
}

export interface EventReader {
  readonly response: Response;
  /** The next event; undefined at the end of the stream. Rejects where none comes. */
  next(): Promise<SentEvent | undefined>;
  close(): Promise<void>;
}

/** A stream of events, wherever it is. */
export async function openEvents(url: string, headers: Record<string, string> = {}, withinMs = 4_000): Promise<EventReader> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } });
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const next = async (): Promise<SentEvent | undefined> => {
    while (true) {
      const end = text.indexOf("\n\n");
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        if (block.startsWith(":")) continue;
        const event = parseEvent(block);
        expectDescribedEvent(new URL(url).pathname, event.event, event.data);
        return event;
      }
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
    }
  };
  const soon = <T>(promise: Promise<T>): Promise<T> => {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`no event came from ${url}`)), withinMs);
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  };
  return { response, next: () => soon(next()), close: async () => void (await reader?.cancel()) };
}

function parseEvent(block: string): SentEvent {
  const fields = Object.fromEntries(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
  const { id, event = "message", data = "null" } = fields;
  return { ...(id === undefined ? {} : { id }), event, data: JSON.parse(data) };
}
