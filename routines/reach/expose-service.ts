/**
 * A service that runs → one that the local network reaches: by TLS and a password, on one address of this host. In front of it
 * is haproxy, in a project of its own, so that no `up` touches it; it ends with `unexpose` and `down`.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { readBootId } from "../_script/process-identity.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { type Env, readValues } from "../config/read-values.ts";
import { findLanAddress } from "../host/find-lan-address.ts";
import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import { isLocalAddress } from "../host/is-local-address.ts";
import { currentStack } from "../stack/current-stack.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import type { Progress } from "../stack/progress.ts";
import { awaitFront } from "./_await-front.ts";
import { openReachEngine, proxyImage, readProjectLogs, startProject } from "./_engine.ts";
import { findTarget, type Target } from "./_find-target.ts";
import { frontConfig } from "./_front-config.ts";
import { FRONT_FOLDER, frontService } from "./_front-model.ts";
import { neededHost } from "./_host-header.ts";
import { type ChosenPassword, checkUser, choosePassword, forgetPassword } from "./_password.ts";
import { endReach, removeProject } from "./end-reach.ts";
import { authorityFiles, homeAuthority } from "./home-authority.ts";
import { type CertifiedKey, fingerprintOf, makeCertificate } from "./make-certificate.ts";
import { type ReachRecord, reachFolder, removeReach, writeReach } from "./read-reach.ts";

export interface ExposeServiceOptions {
  home: string;
  env: Env;
  handle: string;
  /** One of this host; `0.0.0.0` or `::` for every one. Its address in the local network when left out. */
  address?: string | undefined;
  /** The service's own when left out: it listens on another address. */
  port?: number | undefined;
  user: string;
  /** The user's own. */
  password?: string | undefined;
  /** Whether a password that is kept is not used any more. */
  isNewPassword: boolean;
  /** PEM files of the user's own; both or none. */
  certificate?: { certificate: string; key: string } | undefined;
  signal: AbortSignal;
  progress: Progress;
}

export interface Exposed {
  handle: string;
  url: string;
  user: string;
  password: string;
  /** Whether nobody can know it yet: it is to be shown. */
  isFresh: boolean;
  /** What a device has to trust; null for a certificate of the user's own. */
  authority: { file: string; fingerprint: string } | null;
  /** What the service is called in its requests, where it refuses the name that others call it by; null where it does not. */
  hostHeader: string | null;
}

/** Of an own certificate; it is made anew at each start. Longer ones are not taken everywhere. */
const CERTIFICATE_DAYS = 397;
/** Below, a process has to be root. */
const FIRST_PORT = 1024;

/** Throws what keeps it from being reached, after all that was made is taken back. */
export async function exposeService(options: ExposeServiceOptions): Promise<Exposed> {
  const { home, env, handle, user, signal, progress } = options;
  const { project: stack, record } = currentStack(env);
  const values = readValues({ workspace: findStackWorkspace({ home, record }).workspace, env });
  const target = await findTarget(handle, env, "expose");
  checkUser(user);
  const address = await chooseAddress(options.address);
  const given = readGiven(options.certificate);
  if (given === undefined) await refusePublic(address);
  const listens = { address, port: choosePort(options.port ?? target.port) };
  const { sharesNetwork } = await openReachEngine({ home, env, values, signal, action: `expose "${handle}"` });
  // the port is its own when it is started anew
  await endReach({ home, env, isMeant: (name) => name === handle, way: "expose" });
  refuseTaken(handle, listens);
  const authority = given === undefined ? await homeAuthority(home) : undefined;
  const secret = choosePassword({ home, handle, given: options.password, isNew: options.isNewPassword });
  const url = `https://${shownHost(await reachedAddress(address))}:${listens.port}`;
  const hostHeader = await neededHost(target, new URL(url).host);
  const folder = reachFolder(home, "expose", handle);
  const project = `${stack}-expose-${handle}`;
  const certified = given ?? (await certify(authority as CertifiedKey, address));
  writeFileWhole(join(folder, "front.pem"), `${certified.certificate.trimEnd()}\n${certified.key}`);
  writeFileWhole(join(folder, "haproxy.cfg"), configOf({ options, target, listens, sharesNetwork, secret, hostHeader }));
  const made: ReachRecord = {
    way: "expose",
    handle,
    url,
    target: target.url,
    user,
    project,
    listens,
    process: null,
    bootId: readBootId(),
    startedAt: new Date().toISOString(),
  };
  // first, so that whatever ends this call, `harbor down` finds what it has started
  writeReach(home, made);
  const place = { project, folder, home, env, signal };
  try {
    progress.say(handle, `opening ${url}`);
    const front = frontService({ handle, image: proxyImage(values), folder, listens, sharesNetwork });
    await startProject({ ...place, services: { front } });
    await awaitFront({ handle, url, password: secret.password, readLogs: () => readProjectLogs(place, "front"), signal, progress });
  } catch (error) {
    await removeProject(project, home, env).catch(() => undefined);
    removeReach(home, made);
    if (secret.isFresh) forgetPassword(home, handle);
    throw error;
  }
  const trusted =
    authority === undefined ? null : { file: authorityFiles(home).certificate, fingerprint: fingerprintOf(authority.certificate) };
  return { handle, url, user, ...secret, authority: trusted, hostHeader: hostHeader ?? null };
}

interface ConfigParts {
  options: ExposeServiceOptions;
  target: Target;
  listens: { address: string; port: number };
  sharesNetwork: boolean;
  secret: ChosenPassword;
  hostHeader: string | undefined;
}

function configOf({ options, target, listens, sharesNetwork, secret, hostHeader }: ConfigParts): string {
  return frontConfig({
    handle: options.handle,
    // in a network of its own it is the engine that listens on the address
    listens: sharesNetwork ? listens : { address: "", port: listens.port },
    certificate: `${FRONT_FOLDER}/front.pem`,
    target: sharesNetwork ? target : { host: "host.docker.internal", port: target.port },
    login: { user: options.user, password: secret.password, session: randomBytes(32).toString("base64url") },
    hostHeader,
  });
}

async function chooseAddress(given: string | undefined): Promise<string> {
  if (given === "0.0.0.0" || given === "::") return given;
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map((it) => it.address));
  if (given !== undefined) {
    if (own.includes(given)) return given;
    throw new HarborError(`Cannot listen on "${given}": this host has no such address`, {
      exit: "usage",
      hint: `It has ${own.join(", ")}`,
    });
  }
  const address = await findLanAddress();
  if (address !== undefined) return address;
  throw new HarborError("Cannot find an address to listen on: this host is in no network", {
    exit: "missing",
    hint: "Name one with --address",
  });
}

/** Where others find what listens on every address. */
async function reachedAddress(address: string): Promise<string> {
  return address === "0.0.0.0" || address === "::" ? ((await findLanAddress()) ?? "127.0.0.1") : address;
}

function shownHost(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

function choosePort(port: number): number {
  if (Number.isInteger(port) && port >= FIRST_PORT && port <= 65_535) return port;
  throw new HarborError(`Cannot listen on port ${port}: it has to be from ${FIRST_PORT} to 65535`, {
    exit: "usage",
    hint: "A front runs without privileges; choose another with --port",
  });
}

function refuseTaken(handle: string, { address, port }: { address: string; port: number }): void {
  const owner = findPortOwner({ port, address });
  if (owner === undefined) return;
  throw new HarborError(`Cannot expose "${handle}" on port ${port} of ${address}: it is taken by ${formatPortOwner(owner)}`, {
    hint: "Choose another with --port; where the service itself is open to the network already, harbor config unset bind_address && harbor up first",
  });
}

function readGiven(files: ExposeServiceOptions["certificate"]): CertifiedKey | undefined {
  if (files === undefined) return undefined;
  const read = (file: string, word: string): string => {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (cause) {
      throw new HarborError(`Cannot read "${file}": ${(cause as NodeJS.ErrnoException).code}`, { cause });
    }
    if (!text.includes(word)) throw new HarborError(`Cannot use "${file}": it has no ${word.toLowerCase()} in PEM`);
    return text;
  };
  return { certificate: read(files.certificate, "CERTIFICATE"), key: read(files.key, "PRIVATE KEY") };
}

/** Throws for an address that the authority of this home may not vouch for. */
async function refusePublic(address: string): Promise<void> {
  const reached = await reachedAddress(address);
  if (isLocalAddress(reached)) return;
  throw new HarborError(
    `Cannot make a certificate for ${reached}: that is an address of the internet, for which nobody trusts an authority of this host`,
    {
      hint: "Bring a certificate: --cert FILE --key FILE",
    },
  );
}

/** For every name and address that this host is called by in a local network. */
async function certify(authority: CertifiedKey, address: string): Promise<CertifiedKey> {
  const reached = await reachedAddress(address);
  const label = hostname().split(".", 1)[0]?.toLowerCase() ?? "";
  const names = /^[a-z0-9-]+$/.test(label) ? [`${label}.local`, "localhost"] : ["localhost"];
  const others =
    address === reached
      ? []
      : Object.values(networkInterfaces()).flatMap((list = []) => list.map((it) => it.address.split("%", 1)[0] ?? ""));
  return makeCertificate({
    authority,
    names,
    addresses: [...new Set([reached, ...others.filter(isLocalAddress)])],
    days: CERTIFICATE_DAYS,
  });
}
