/**
 * A service for which a server of the user's own stands in → what the rest of the plan needs of it: where the stack's network
 * looks for it, by what it is known again, and the containers that lead there. Nothing of the service itself runs.
 */
import { HarborError } from "../_script/error.ts";
import { type Connection, formatServerUrl, isIpAddress, type ServerAddress } from "../config/connection.ts";
import { type Contract, readContract } from "../native/read-contract.ts";
import { readScheme } from "./_read-scheme.ts";
import { writeRemoteProxy } from "./_remote-proxy.ts";
import { interpolate } from "./interpolate.ts";
import type { ComposeModel } from "./merge-compose.ts";
import { firstTarget } from "./read-ports.ts";
import type { ResolvedServiceFile } from "./resolve-files.ts";
import type { Bridge } from "./write-proxy.ts";

/** In a plan. */
export interface ConnectedSpec {
  handle: string;
  /** Where the server is, from this host. */
  url: string;
  address: ServerAddress;
  /** Where the stack's network finds it, by the service's name. */
  containerPort: number;
  /** By which it is known to be what it stands in for. */
  question: Question;
  isInsecure: boolean;
  /** PEM; left out for the public authorities. */
  ca?: string;
  /** Whether the bridge adds a token, `HARBOR_<HANDLE>_REMOTE_TOKEN`. */
  hasToken: boolean;
}

export interface Question {
  /** Path of a GET below the URL; left out for what speaks no HTTP: a connection has to do. */
  path?: string;
  /** Whether the answer is JSON. */
  isJson: boolean;
  /** Why this is asked: for messages. */
  because: string;
}

/** What excludes a definition needs to know, and what stands in for it. */
export interface ConnectedService {
  spec: ConnectedSpec;
  /** Its name in the compose model. */
  service: string;
  /** The definition that was left out. */
  definition: Record<string, unknown>;
  /** Services of the model that lead to the server. */
  proxies: string[];
  document: ComposeModel;
}

export interface ConnectServiceOptions {
  handle: string;
  connection: Connection;
  resolved: readonly ResolvedServiceFile[];
  /** Of its definition, by name; companions among them. */
  services: Readonly<Record<string, Record<string, unknown>>>;
  values: (name: string) => string | undefined;
  bridge: Bridge;
}

/** Throws `failed` for a service without a port in the stack's network, and a URL of a scheme that is not the service's. */
export function connectService({ handle, connection, resolved, services, values, bridge }: ConnectServiceOptions): ConnectedService {
  const contract = contractOf(handle, resolved);
  const service = services[handle] === undefined ? (contract?.service ?? handle) : handle;
  const definition = services[service] ?? {};
  const containerPort = firstTarget(definition, values) ?? ownPort(contract, values);
  if (containerPort === undefined) {
    throw new HarborError(`Cannot connect "${handle}": nothing says at which port other services look for it`, {
      hint: "Its definition publishes no port, and it has no contract with one",
    });
  }
  const { address } = connection;
  const own = readScheme(definition, values);
  const isHttp = own === "http" || own === "https";
  checkScheme(handle, address, isHttp ? ["http", "https"] : [own, "tcp"]);
  checkVerifiable(handle, connection);
  const spec: ConnectedSpec = {
    handle,
    url: formatServerUrl(address),
    address,
    containerPort,
    question: isHttp ? questionOf(handle, contract, resolved, values) : { isJson: false, because: `${own} is no HTTP` },
    isInsecure: connection.isInsecure,
    ...(connection.ca === undefined ? {} : { ca: connection.ca }),
    hasToken: connection.hasToken && isHttp,
  };
  const document = writeRemoteProxy({ service, spec, bridge });
  return { spec, service, definition, proxies: Object.keys(document.services as object), document };
}

/** Read although it is left out: for its port and its probe. */
function contractOf(handle: string, resolved: readonly ResolvedServiceFile[]): Contract | undefined {
  const file = resolved.find(({ file }) => file.kind === "contract" && file.parts[0] === handle);
  return file === undefined ? undefined : readContract({ path: file.path, handle });
}

function ownPort(contract: Contract | undefined, values: ConnectServiceOptions["values"]): number | undefined {
  const written = contract?.containerPort ?? contract?.port;
  return written === undefined ? undefined : Number(interpolate(written, values));
}

function checkScheme(handle: string, { scheme }: ServerAddress, known: readonly string[]): void {
  if (known.includes(scheme)) return;
  throw new HarborError(`Cannot connect "${handle}" to a URL that begins with ${scheme}://: it is reached by ${known.join(" or ")}`, {
    exit: "usage",
  });
}

/** The bridge compares a certificate with names alone. */
function checkVerifiable(handle: string, { address, isInsecure }: Connection): void {
  if (address.scheme !== "https" || isInsecure || !isIpAddress(address.host)) return;
  throw new HarborError(
    `Cannot connect "${handle}" to ${formatServerUrl(address)}: a certificate is checked by name, and this is an address`,
    {
      exit: "usage",
      hint: "Use the name that its certificate has (a line in /etc/hosts will do), or --insecure, which does not look at it",
    },
  );
}

/** What an API that services say they provide is known by. */
const KNOWN_PATHS: readonly (readonly [api: string, path: string])[] = [
  ["ollama-api", "/api/version"],
  ["openai-api", "/v1/models"],
];

/** The contract's own probe; else what its API is known by; else any answer will do. */
function questionOf(
  handle: string,
  contract: Contract | undefined,
  resolved: readonly ResolvedServiceFile[],
  values: ConnectServiceOptions["values"],
): Question {
  const provides = providesOf(handle, resolved);
  const known = KNOWN_PATHS.find(([api]) => provides.includes(api));
  const asked = contract?.ready.http === undefined ? undefined : interpolate(contract.ready.http, values);
  if (asked !== undefined) return { path: asked, isJson: asked === known?.[1], because: `${handle}'s contract asks for it` };
  if (known !== undefined) return { path: known[1], isJson: true, because: `${handle} provides ${known[0]}` };
  return { path: "/", isJson: false, because: "nothing says how it is known" };
}

function providesOf(handle: string, resolved: readonly ResolvedServiceFile[]): readonly string[] {
  const definition = resolved.find(({ file }) => file.kind === "definition" && file.parts[0] === handle);
  const { readProvides } = require("../workspace/describe-service.ts") as typeof import("../workspace/describe-service.ts");
  return definition === undefined ? [] : readProvides(definition.path);
}
