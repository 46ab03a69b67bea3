/**
 * A server that stands in for a service: `HARBOR_<HANDLE>_REMOTE_URL` and what goes with it. It counts where the service's
 * runtime is `connected`, which `harbor connect` sets together with it.
 */
import { readFileSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import type { Values } from "./read-values.ts";

/** `CA`: a PEM file of the certificates that its own is checked against. `TOKEN`: sent as a bearer token. */
export const CONNECTION_PARTS = ["URL", "INSECURE", "CA", "TOKEN"] as const;
export type ConnectionPart = (typeof CONNECTION_PARTS)[number];

export function connectionVariable(handle: string, part: ConnectionPart): string {
  return `HARBOR_${handle.toUpperCase().replaceAll("-", "_")}_REMOTE_${part}`;
}

/** Where a server is, every part of it fit to stand in another program's configuration. */
export interface ServerAddress {
  /** `http`, `https`, or that of a service which speaks neither. */
  scheme: string;
  /** A name, an IPv4 address, or an IPv6 address without brackets. */
  host: string;
  port: number;
  /** Before every path of it: empty, or `/prefix`. */
  path: string;
}

export interface Connection {
  address: ServerAddress;
  /** Whether its certificate is not looked at. */
  isInsecure: boolean;
  /** PEM; undefined for the public authorities. */
  ca: string | undefined;
  hasToken: boolean;
}

/** Throws `usage` for a URL that is none, `failed` for a CA file that cannot be read. Undefined where no URL is set. */
export function readConnection(values: Values, handle: string): Connection | undefined {
  const get = (part: ConnectionPart): string => values.get(connectionVariable(handle, part)) ?? "";
  const url = get("URL");
  if (url === "") return undefined;
  return {
    address: readServerUrl(url),
    isInsecure: /^(?:1|true|yes|on)$/i.test(get("INSECURE")),
    ca: get("CA") === "" ? undefined : readCertificates(get("CA")),
    hasToken: get("TOKEN") !== "",
  };
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };
/** What needs no quoting, wherever it stands: an address ends up in a program of the bridge. */
const SAFE_HOST = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/;
const SAFE_PATH = /^(?:\/[A-Za-z0-9._~-]+)*$/;
const IPV6 = /^\[([0-9a-f:.]+)\]$/;

/** `gpu:11434` is short for `http://gpu:11434`. Throws `usage` and says what is wrong with it. */
export function readServerUrl(text: string): ServerAddress {
  const written = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const scheme = written.slice(0, written.indexOf(":")).toLowerCase();
  // a scheme that is not the web's has its host left as it is written: read it as if it were
  const asWeb = written.replace(/^[^:]+/, scheme === "https" ? "https" : "http");
  if (!URL.canParse(asWeb)) throw refuse(text, "it is no URL");
  const url = new URL(asWeb);
  if (url.username !== "" || url.password !== "") {
    throw refuse(
      text.replace(/\/\/[^/@]*@/, "//"),
      "a user and a password in it would be shown in every list",
      "Give a token with --token-from-env NAME",
    );
  }
  if (url.search !== "" || url.hash !== "") throw refuse(text, "it ends in a query or a fragment, which no request goes to");
  const path = url.pathname.replace(/\/+$/, "");
  if (!SAFE_PATH.test(path)) throw refuse(text, "its path may have letters, digits and . _ ~ - alone");
  const port = url.port === "" ? defaultPort(scheme, text) : Number(url.port);
  if (port < 1 || port > 65_535) throw refuse(text, `there is no port ${port}`);
  return { scheme, host: readHost(url, text), port, path };
}

function readHost(url: URL, text: string): string {
  const host = IPV6.exec(url.hostname)?.[1] ?? url.hostname.toLowerCase();
  if (!host.includes(":") && !SAFE_HOST.test(host)) throw refuse(text, `"${host}" is no name of a host`);
  if (host === "0.0.0.0" || host === "::")
    throw refuse(text, "that is every address of this host, and none to connect to", "Write 127.0.0.1");
  return host;
}

/** `http://host:80` is a URL without a port to the one who reads it. */
function defaultPort(scheme: string, text: string): number {
  const known = DEFAULT_PORTS[scheme];
  const written = /:(\d+)(?=\/|$)/.exec(text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, ""))?.[1];
  if (written !== undefined) return Number(written);
  if (known !== undefined) return known;
  throw refuse(text, "it has no port", `Write it like ${scheme}://host:1234`);
}

function refuse(text: string, why: string, hint = "Write it like http://192.168.1.5:11434 or https://gpu.example/ollama"): HarborError {
  return new HarborError(`Cannot connect to "${text}": ${why}`, { exit: "usage", hint });
}

/** As a program of this host writes it; a port that goes without saying is left out. */
export function formatServerUrl(address: ServerAddress): string {
  return `${address.scheme}://${authorityOf(address)}${address.path}`;
}

/** Host and port, the latter where it is not the scheme's own: what a request's Host header says. */
export function authorityOf({ scheme, host, port }: ServerAddress): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return DEFAULT_PORTS[scheme] === port ? name : `${name}:${port}`;
}

/** Whether it is this host itself. */
export function isLoopback({ host }: Pick<ServerAddress, "host">): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127\./.test(host);
}

export function isIpAddress(host: string): boolean {
  return host.includes(":") || /^\d+(?:\.\d+){3}$/.test(host);
}

/** It becomes part of a command line: a bundle of all there are would not fit. */
const LARGEST_CA = 32 * 1024;

/** Certificates of a PEM file, and nothing else that stands in it: a key there is nobody's business. */
export function readCertificates(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new HarborError(`Cannot read certificates from "${file}": ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0)
    throw new HarborError(`Cannot read certificates from "${file}": there is none in it`, { hint: "It has to be PEM" });
  const certificates = `${found.join("\n")}\n`;
  if (certificates.length <= LARGEST_CA) return certificates;
  throw new HarborError(`Cannot use the certificates of "${file}": they are more than ${LARGEST_CA / 1024} kB`, {
    hint: "Name a file with the one that signed the server's",
  });
}
