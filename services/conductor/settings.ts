/** What the environment may set, checked. */
import { resolve } from "node:path";
import { AUDIT_LEVELS, type AuditLevel } from "./core/audit-log.ts";
import { isAddress } from "./core/smtp.ts";
import type { TlsFiles } from "./tls.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface Settings {
  readonly host: string;
  readonly port: number;
  /** Needed to register, and good for everything. Empty: nobody is asked for any, which only loopback may do. */
  readonly token: string;
  /** Harbor's, to register what it runs wherever that is; nobody else is given it. Empty: there is none. */
  readonly stackToken: string;
  /** Hosts that components may be at besides the one they register from. */
  readonly allowedHosts: readonly string[];
  /** Of components that ask for none. */
  readonly heartbeatIntervalMs: number;
  /** How long a component is known without a heartbeat, where it does not say. */
  readonly leaseMs: number;
  /** Of one request, of anything but `/route`. */
  readonly maxBodyBytes: number;
  readonly maxRouteBodyBytes: number;
  /** Of one component; 0: no limit. */
  readonly requestsPerSecond: number;
  /** Streams, routed requests and questions of one component at a time. */
  readonly maxOpen: number;
  /** Components that may be registered. */
  readonly maxComponents: number;
  /** Messages to one component that are not acknowledged yet. */
  readonly maxWaiting: number;
  /** Until a component that a request was routed to answers, and between two parts of its answer. */
  readonly routeTimeoutMs: number;
  readonly audit: AuditLevel;
  /** Of the certificate and its key; undefined: plain HTTP. */
  readonly tls: TlsFiles | undefined;
  /** Folder of the embedded store. */
  readonly dataFolder: string;
  /** Empty: the embedded store. */
  readonly redisUrl: string;
  /** Of every key and channel in Redis. */
  readonly prefix: string;
  /** `smtp://…` or `smtps://…`, for alerts by mail; empty: none. */
  readonly smtpUrl: string;
  readonly mailFrom: string;
}

const MEGABYTE = 1_048_576;

/** Throws naming the variable that is wrong. */
export function readSettings(env: Env): Settings {
  const dataFolder = env.HARBOR_CONDUCTOR_DATA || "data";
  const settings: Settings = {
    host: env.HARBOR_CONDUCTOR_HOST || "127.0.0.1",
    port: readNumber(env, "HARBOR_CONDUCTOR_HOST_PORT", { fallback: 8888, least: 0, most: 65_535 }),
    token: readToken(env, "HARBOR_CONDUCTOR_TOKEN"),
    stackToken: readToken(env, "HARBOR_CONDUCTOR_STACK_TOKEN"),
    allowedHosts: (env.HARBOR_CONDUCTOR_ALLOWED_HOSTS || "").split(/[\s,]+/).filter((host) => host !== ""),
    heartbeatIntervalMs: readNumber(env, "HARBOR_CONDUCTOR_HEARTBEAT_INTERVAL", { fallback: 10, least: 1, most: 30 }) * 1_000,
    leaseMs: readNumber(env, "HARBOR_CONDUCTOR_LEASE", { fallback: 3_600, least: 60, most: 31_536_000 }) * 1_000,
    maxBodyBytes: readNumber(env, "HARBOR_CONDUCTOR_MAX_BODY", { fallback: MEGABYTE, least: 1_024, most: 64 * MEGABYTE }),
    maxRouteBodyBytes: readNumber(env, "HARBOR_CONDUCTOR_MAX_ROUTE_BODY", {
      fallback: 1_024 * MEGABYTE,
      least: 1_024,
      most: Number.MAX_SAFE_INTEGER,
    }),
    requestsPerSecond: readNumber(env, "HARBOR_CONDUCTOR_RATE", { fallback: 500, least: 0, most: 1_000_000 }),
    maxOpen: readNumber(env, "HARBOR_CONDUCTOR_MAX_OPEN", { fallback: 1_000, least: 1, most: 20_000 }),
    maxComponents: readNumber(env, "HARBOR_CONDUCTOR_MAX_COMPONENTS", { fallback: 200_000, least: 1, most: 10_000_000 }),
    maxWaiting: readNumber(env, "HARBOR_CONDUCTOR_MAX_WAITING", { fallback: 100_000, least: 1, most: 1_000_000_000 }),
    routeTimeoutMs: readNumber(env, "HARBOR_CONDUCTOR_ROUTE_TIMEOUT", { fallback: 300, least: 1, most: 86_400 }) * 1_000,
    audit: readAudit(env),
    tls: readTlsFiles(env, dataFolder),
    dataFolder,
    redisUrl: env.HARBOR_CONDUCTOR_REDIS_URL || "",
    prefix: env.HARBOR_CONDUCTOR_PREFIX || "harbor",
    smtpUrl: readSmtpUrl(env),
    mailFrom: readMailFrom(env),
  };
  if (settings.token === "" && !isLoopback(settings.host)) {
    throw new Error(`without HARBOR_CONDUCTOR_TOKEN it listens on loopback alone, not on "${settings.host}"`);
  }
  return settings;
}

function readAudit(env: Env): AuditLevel {
  const text = env.HARBOR_CONDUCTOR_AUDIT || "operator";
  const level = AUDIT_LEVELS.find((known) => known === text);
  if (level === undefined) throw new Error(`HARBOR_CONDUCTOR_AUDIT must be one of ${AUDIT_LEVELS.join(", ")}, not "${text}"`);
  return level;
}

/** In a container only the data folder is there: a path that is not absolute is one in it. */
function readTlsFiles(env: Env, dataFolder: string): TlsFiles | undefined {
  const [cert, key] = ["HARBOR_CONDUCTOR_TLS_CERT_FILE", "HARBOR_CONDUCTOR_TLS_KEY_FILE"].map((name) => env[name] || "");
  if (cert && key) return { cert: resolve(dataFolder, cert), key: resolve(dataFolder, key) };
  if (!cert && !key) return undefined;
  throw new Error(
    `HARBOR_CONDUCTOR_TLS_CERT_FILE and HARBOR_CONDUCTOR_TLS_KEY_FILE go together: ${cert ? "the key" : "the certificate"} is missing`,
  );
}

function readSmtpUrl(env: Env): string {
  const text = env.HARBOR_CONDUCTOR_SMTP_URL || "";
  if (text === "" || ["smtp:", "smtps:"].includes(URL.parse(text)?.protocol ?? "")) return text;
  throw new Error("HARBOR_CONDUCTOR_SMTP_URL must be as in smtp://user:password@mail.example.com:587");
}

function readMailFrom(env: Env): string {
  const text = env.HARBOR_CONDUCTOR_MAIL_FROM || "harbor@localhost";
  if (isAddress(text)) return text;
  throw new Error("HARBOR_CONDUCTOR_MAIL_FROM must be a mail address, as in harbor@example.com");
}

function readToken(env: Env, name: string): string {
  const token = env[name] || "";
  if (/^[\x21-\x7e]*$/.test(token)) return token;
  throw new Error(`${name} may have no spaces, and nothing but ASCII in it: it travels in a header`);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

function readNumber(env: Env, name: string, { fallback, least, most }: { fallback: number; least: number; most: number }): number {
  const text = env[name] || String(fallback);
  if (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new Error(`${name} must be a whole number from ${least} to ${most}, not "${text}"`);
}
