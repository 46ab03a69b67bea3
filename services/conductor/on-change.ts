/**
 * What Harbor runs has changed: the services of the stack are registered, those that are not of it any more are deregistered. Run by
 * Harbor with the stack as JSON on stdin (`on_change`, docs/interfaces.md) and this service's values as environment.
 *
 * They do not beat: the conductor asks them, by their own probe where they have one, else by a connection. One that registers by itself
 * knows more of itself, and is left alone.
 */
import { type ComponentStatus, Operator, type OperatorOptions } from "./client/operator.ts";

interface StackService {
  readonly handle: string;
  readonly runtime: "container" | "native" | "connected";
  readonly state: string;
  readonly version: string | null;
  readonly url: string | null;
  readonly internalUrl: string | null;
  readonly provides: readonly string[];
  readonly ready: string | null;
}

interface News {
  readonly self: StackService;
  readonly services: readonly StackService[];
}

/** As POST /register takes it. */
interface Registration {
  readonly component: string;
  readonly version?: string;
  readonly host: string;
  readonly port: number;
  readonly capabilities: readonly string[];
  readonly health_check_url: string;
  readonly heartbeats: false;
  readonly heartbeat_interval: number;
}

/** Stopped on purpose, or never started: it is missed by nobody. */
const AT_REST = ["stopped", "exited", "created", "dead"];
const CHECK_S = 5;
const PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };
/** As they are as capabilities: other characters are not for the conductor. */
const CAPABILITY = /^[A-Za-z0-9][\w.:-]{0,63}$/;

function describe({ handle, version, provides, ready, ...service }: StackService, { runtime }: StackService): Registration | undefined {
  // one in a container finds others by their names, one on this host by their ports there
  const text = runtime === "container" ? service.internalUrl : service.url;
  const url = text === null ? null : URL.parse(text);
  if (url === null) return undefined;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || PORTS[url.protocol] || 0);
  const isAsked = ready !== null && url.protocol in PORTS;
  return {
    component: handle,
    ...(version === null ? {} : { version }),
    host,
    port,
    capabilities: provides.filter((name) => CAPABILITY.test(name)),
    health_check_url: isAsked ? new URL(url.pathname.replace(/\/$/, "") + ready, url).href : `tcp://${url.hostname}:${port}`,
    heartbeats: false,
    heartbeat_interval: CHECK_S,
  };
}

function isSame(known: ComponentStatus, { version = "", host, port, capabilities, health_check_url }: Registration): boolean {
  const href = (url: string | null): string | undefined => URL.parse(url ?? "")?.href;
  return (
    `${known.version} ${known.host} ${known.port} ${known.capabilities}` === `${version} ${host} ${port} ${capabilities}` &&
    href(known.health_check_url) === href(health_check_url)
  );
}

async function register({ self, services }: News, operator: Operator): Promise<void> {
  const known = await operator.services();
  const own = known.filter((it) => it.registered_by === "harbor");
  const others = new Set(known.filter((it) => it.registered_by !== "harbor").map((it) => it.component));
  const wanted = services
    .filter(({ handle, state }) => handle !== self.handle && !AT_REST.includes(state) && !others.has(handle))
    .flatMap((service) => describe(service, self) ?? []);
  const problems: string[] = [];
  const attempt = (work: Promise<unknown>): Promise<unknown> => work.catch((error: Error) => problems.push(error.message));
  for (const { component_id: id, component } of own) {
    if (!wanted.some((it) => it.component === component)) await attempt(operator.deregister(id));
  }
  for (const registration of wanted) {
    const before = own.find(({ component }) => component === registration.component);
    if (before === undefined || !isSame(before, registration)) await attempt(operator.register({ ...registration }));
  }
  if (problems.length > 0) throw new Error(problems.join("; "));
}

/** By the certificate that it is configured to show; loaded for https alone. */
async function trustOf({ url }: StackService): Promise<OperatorOptions["trust"]> {
  const { HARBOR_CONDUCTOR_TLS_CERT_FILE: cert = "", HARBOR_DATA: data = "" } = process.env;
  if (cert === "" || url?.startsWith("https:") !== true) return undefined;
  const { certificateFile, trustFile } = await import("./trust.ts");
  return () => trustFile(certificateFile(cert, data));
}

try {
  const news = (await Bun.stdin.json()) as News;
  const { HARBOR_CONDUCTOR_STACK_TOKEN: stack, HARBOR_CONDUCTOR_TOKEN: token = "" } = process.env;
  const trust = await trustOf(news.self);
  const operator = new Operator({ url: news.self.url ?? "", token: stack || token, trust, signal: AbortSignal.timeout(8_000) });
  await register(news, operator);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
