/**
 * A service that runs → one that the internet reaches, by a quick tunnel of Cloudflare's. Before it is a front that asks for a
 * password, unless it is to be public; both end with `tunnel down` and `down`.
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { readBootId } from "../_script/process-identity.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { type Env, readValues, type Values } from "../config/read-values.ts";
import { currentStack } from "../stack/current-stack.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import type { Progress } from "../stack/progress.ts";
import { awaitFront } from "./_await-front.ts";
import { openReachEngine, proxyImage, readProjectLogs, startProject } from "./_engine.ts";
import { findTarget, type Target } from "./_find-target.ts";
import { frontConfig } from "./_front-config.ts";
import { connectorService, frontService } from "./_front-model.ts";
import { neededHost } from "./_host-header.ts";
import { type ChosenPassword, checkUser, choosePassword, forgetPassword } from "./_password.ts";
import { type Connector, followContainer, followProgram } from "./_run-connector.ts";
import { endProgram, endReach, removeProject } from "./end-reach.ts";
import { findCloudflared, quickTunnelWords } from "./find-cloudflared.ts";
import { type ReachRecord, reachFolder, removeReach, writeReach } from "./read-reach.ts";

export interface TunnelServiceOptions {
  home: string;
  env: Env;
  handle: string;
  /** Nobody is asked for a password. */
  isPublic: boolean;
  user: string;
  /** The user's own. */
  password?: string | undefined;
  isNewPassword: boolean;
  signal: AbortSignal;
  progress: Progress;
}

export interface Tunnelled {
  handle: string;
  url: string;
  /** Null where nobody is asked. */
  user: string | null;
  password: string | null;
  /** Whether nobody can know the password yet: it is to be shown. */
  isFresh: boolean;
}

/** Any name that such a tunnel may have: to see whether the service minds. */
const SOME_NAME = "some-quick-tunnel.trycloudflare.com";

/** What all parts of one tunnel need. */
interface Work extends TunnelServiceOptions {
  values: Values;
  target: Target;
  folder: string;
  project: string;
  /** Undefined where it is not installed. */
  program: string | undefined;
  image: string;
  /** Undefined where no container is needed. */
  sharesNetwork: boolean | undefined;
  secret: ChosenPassword | undefined;
  record: ReachRecord;
}

/** Throws what keeps it from being reached, after all that was made is taken back; `missing` where neither a program nor an engine is there. */
export async function tunnelService(options: TunnelServiceOptions): Promise<Tunnelled> {
  const { home, env, handle, isPublic, user } = options;
  checkUser(user);
  const { project: stack, record: up } = currentStack(env);
  const values = readValues({ workspace: findStackWorkspace({ home, record: up }).workspace, env });
  const target = await findTarget(handle, env, "tunnel");
  const { program, image } = findCloudflared(values, env.PATH ?? "");
  const usesEngine = !isPublic || program === undefined;
  const engine = usesEngine ? await openReachEngine({ ...options, values, action: wordNeed(handle, isPublic) }) : undefined;
  await endReach({ home, env, isMeant: (name) => name === handle, way: "tunnel" });
  const secret = isPublic ? undefined : choosePassword({ home, handle, given: options.password, isNew: options.isNewPassword });
  const project = `${stack}-tunnel-${handle}`;
  const record: ReachRecord = {
    way: "tunnel",
    handle,
    url: "",
    target: target.url,
    user: isPublic ? null : user,
    project: usesEngine ? project : null,
    listens: null,
    process: null,
    bootId: readBootId(),
    startedAt: new Date().toISOString(),
  };
  const folder = reachFolder(home, "tunnel", handle);
  // first, so that whatever ends this call, `harbor down` finds what it has started
  writeReach(home, record);
  const work: Work = { ...options, values, target, folder, project, program, image, secret, record, sharesNetwork: engine?.sharesNetwork };
  try {
    const url = await open(work);
    writeReach(home, { ...record, url });
    return { handle, url, user: record.user, password: secret?.password ?? null, isFresh: secret?.isFresh ?? false };
  } catch (error) {
    if (record.process !== null) await endProgram(record.process, handle);
    if (usesEngine) await removeProject(project, home, env).catch(() => undefined);
    removeReach(home, record);
    if (secret?.isFresh) forgetPassword(home, handle);
    throw error;
  }
}

function wordNeed(handle: string, isPublic: boolean): string {
  return isPublic ? `tunnel "${handle}" without the program cloudflared` : `ask for a password before the tunnel of "${handle}"`;
}

async function open(work: Work): Promise<string> {
  const { handle, secret, record, program, progress, signal } = work;
  const port = secret === undefined ? undefined : freePort();
  if (port !== undefined) record.listens = { address: "127.0.0.1", port };
  progress.say(handle, "opening a tunnel");
  const services = { ...(await frontOf(work, port)), ...connectorOf(work, port) };
  if (Object.keys(services).length > 0) await startProject({ ...work, services });
  if (secret !== undefined) {
    const readLogs = (): Promise<string> => readProjectLogs(work, "front");
    await awaitFront({ handle, url: `http://127.0.0.1:${port}`, password: secret.password, readLogs, signal, progress });
  }
  if (program === undefined) return followContainer({ handle, signal, readLogs: () => readProjectLogs(work, "connector") });
  const connector: Connector = {
    handle,
    program,
    folder: work.folder,
    env: work.env,
    words: quickTunnelWords(leadingTo(work, port)),
    signal,
  };
  return followProgram(connector, (process) => {
    record.process = process;
    writeReach(work.home, record);
  });
}

/** Of this host, where the program is one; in the connector's own network where it is a container that has one. */
function leadingTo({ target, program, sharesNetwork }: Work, frontPort: number | undefined): string {
  const isApart = program === undefined && sharesNetwork === false;
  if (frontPort !== undefined) return `http://${isApart ? "front" : "127.0.0.1"}:${frontPort}`;
  return isApart ? `http://host.docker.internal:${target.port}` : target.url;
}

async function frontOf(
  { handle, secret, target, folder, sharesNetwork = true, values, user }: Work,
  port: number | undefined,
): Promise<Record<string, object>> {
  if (secret === undefined || port === undefined) return {};
  const listens = { address: "127.0.0.1", port };
  const config = frontConfig({
    handle,
    // in a network of its own it is the engine that listens on the address
    listens: sharesNetwork ? listens : { address: "", port },
    target: sharesNetwork ? target : { host: "host.docker.internal", port: target.port },
    login: { user, password: secret.password, session: randomBytes(32).toString("base64url") },
    hostHeader: await neededHost(target, SOME_NAME),
  });
  writeFileWhole(join(folder, "haproxy.cfg"), config);
  return { front: frontService({ handle, image: proxyImage(values), folder, listens, sharesNetwork }) };
}

function connectorOf(work: Work, port: number | undefined): Record<string, object> {
  const { handle, program, image, sharesNetwork = true } = work;
  if (program !== undefined) return {};
  return { connector: connectorService({ handle, image, words: quickTunnelWords(leadingTo(work, port)), sharesNetwork }) };
}

/** That nobody has right now. */
function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  if (port > 0) return port;
  throw new HarborError("Cannot find a port that is free on 127.0.0.1");
}
