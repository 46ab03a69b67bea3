#!/usr/bin/env bun
/**
 * What runs right now, native and container alike: the engine's containers of the project and the
 * recorded processes, as one list.
 *
 *   bun routines/stack/observe-stack.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { runScript } from "../_script/script.ts";
import type { PlannedService } from "../compose/make-plan.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import type { Engine } from "../engine/connect-engine.ts";
import type { Container, ContainerPort } from "../engine/list-containers.ts";
import { listReach, mayBeOpen, type ReachRecord } from "../reach/read-reach.ts";
import { listServices } from "../supervisor/list-services.ts";
import type { ServiceReport, ServiceState } from "../supervisor/report.ts";
import type { ServerAnswer } from "./ask-server.ts";
import { readStack } from "./read-stack.ts";

export interface ServiceStatus {
  handle: string;
  runtime: "container" | "native" | "connected";
  /**
   * `running`, `exited`, `created`, …; of a native service without a process `pending`, `backing-off`, `asleep`, `stopped`, `failed`;
   * `unknown` for a container that is up by record alone; of a connected service `running` or `unreachable`.
   */
  state: string;
  /** `healthy`, `degraded`, `unhealthy`, `starting`, or empty where nothing tells. */
  health: string;
  pid: number | null;
  /** Name of the container; of the proxy for a native service. */
  container: string | null;
  ports: string[];
  urls: string[];
  since: string | null;
  /** Of a native service: what the supervisor makes of it. */
  supervised?: Supervised;
  /** How it is reached from elsewhere, where that was opened. */
  reach?: Pick<ReachRecord, "way" | "url" | "user">[];
  /** Of a connected service: what its server answered. */
  answer?: ServerAnswer;
}

export interface Supervised {
  state: ServiceState;
  why: string;
  /** ISO 8601, of that state. */
  since: string;
  /** What its process says of itself, in its own words; empty where it says nothing. */
  status: string;
  /** Since it was last healthy for long enough. */
  restarts: number;
}

export interface ObserveStackOptions {
  home: string;
  env: Env;
  project: string;
  /** Fail when the engine does not answer, rather than show its containers as recorded. */
  needsEngine: boolean;
  signal?: AbortSignal;
  /** One that was connected to before. */
  engine?: Engine | undefined;
}

export interface ObservedStack {
  services: ServiceStatus[];
  containers: Container[];
  natives: ServiceReport[];
  /** Why the containers in it are those of the record alone, their state unknown. */
  engineError: HarborError | undefined;
}

/** Sorted by handle; a native service is one row, its proxy in the column of containers. */
export async function observeStack(options: ObserveStackOptions): Promise<ObservedStack> {
  const record = readStack(options.home);
  const planned = record?.planned ?? [];
  const [reports, { containers, engineError }, answers] = await Promise.all([
    listServices(options),
    listOrExplain(options, record?.hasContainers ?? true),
    askServers(planned, options.signal),
  ]);
  const natives = reports.map((it) => nativeStatus(it, containers, plannedOf(record?.planned, it.handle)));
  const others =
    engineError === undefined
      ? containers.filter((it) => it.runtime === "container").map((it) => containerStatus(it, plannedOf(planned, it.handle)))
      : planned.filter((it) => it.runtime === "container" && it.containers.length > 0).map((it) => recordedStatus(it.handle, "container"));
  const gone = (record?.natives ?? []).filter((handle) => !reports.some((it) => it.handle === handle));
  const connected = [...answers].map(([service, answer]) => connectedStatus(service, answer, containers));
  const services = [...natives, ...gone.map((it) => recordedStatus(it, "native")), ...connected, ...others].sort((a, b) =>
    a.handle < b.handle ? -1 : a.handle > b.handle ? 1 : 0,
  );
  return { services: withReach(services, options.home), containers, natives: reports, engineError };
}

/** As far as this host tells by itself. */
function withReach(services: readonly ServiceStatus[], home: string): ServiceStatus[] {
  const open = listReach(home).filter(mayBeOpen);
  return services.map((service) => {
    const own = open.filter(({ handle }) => handle === service.handle).map(({ way, url, user }) => ({ way, url, user }));
    return own.length === 0 ? service : { ...service, reach: own };
  });
}

/** How long somebody who looks waits for a server that says nothing. */
const PATIENCE_MS = 1_500;

/** All at once; loaded where there are any. */
async function askServers(planned: readonly PlannedService[], signal: AbortSignal | undefined): Promise<Map<PlannedService, ServerAnswer>> {
  const connected = planned.flatMap((service) => (service.connection === undefined ? [] : [{ service, spec: service.connection }]));
  if (connected.length === 0) return new Map();
  const { askServer } = await import("./ask-server.ts");
  return new Map(
    await Promise.all(
      connected.map(async ({ service, spec }) => [service, await askServer({ spec, timeoutMs: PATIENCE_MS, signal })] as const),
    ),
  );
}

/** One that asks for a key answers: whether its users have the key is not for us to see. */
function connectedStatus(planned: PlannedService, answer: ServerAnswer, containers: readonly Container[]): ServiceStatus {
  const { handle, urls } = planned;
  const isThere = answer.kind === "right" || answer.kind === "locked";
  const proxy = containers.find((it) => it.handle === handle && it.runtime === "connected" && !it.service.endsWith("-host"));
  const isCutOff = proxy !== undefined && proxy.state !== "running";
  return {
    handle,
    runtime: "connected",
    state: answer.kind === "silent" ? "unreachable" : "running",
    health: isThere && !isCutOff ? "healthy" : "unhealthy",
    pid: null,
    container: proxy?.name ?? null,
    ports: [],
    urls,
    since: null,
    answer,
  };
}

type Listed = Pick<ObservedStack, "containers" | "engineError">;

async function listOrExplain(options: ObserveStackOptions, mayHaveContainers: boolean): Promise<Listed> {
  if (!mayHaveContainers) return { containers: [], engineError: undefined };
  try {
    const { listContainers } = await import("../engine/list-containers.ts");
    return { containers: await listContainers(options), engineError: undefined };
  } catch (error) {
    if (!(error instanceof HarborError) || options.needsEngine) throw error;
    return { containers: [], engineError: error };
  }
}

function plannedOf(planned: readonly PlannedService[] | undefined, handle: string): PlannedService | undefined {
  return planned?.find((service) => service.handle === handle);
}

function nativeStatus(report: ServiceReport, containers: readonly Container[], planned: PlannedService | undefined): ServiceStatus {
  // a supervisor of an earlier version knows of no status
  const { handle, state, why, since, status = "", restarts, pid, port, startedAt } = report;
  const proxy = proxyOf(handle, containers, planned);
  const ports = port === null ? [] : [`${planned?.ports[0]?.address ?? "127.0.0.1"}:${port}`];
  return {
    handle,
    runtime: "native",
    state: report.isAsleep ? "asleep" : pid === null ? state : "running",
    health: healthOf(report, proxy),
    pid,
    container: proxy?.name ?? null,
    ports,
    urls: pid === null && !report.isAsleep ? [] : (planned?.urls ?? ports.map((it) => `http://${it}`)),
    since: startedAt ?? since,
    supervised: { state, why, since, status, restarts },
  };
}

/** The container with the service's name, not the relay beside it (`<service>-host`), whatever state it is in. */
function proxyOf(handle: string, containers: readonly Container[], planned: PlannedService | undefined): Container | undefined {
  const own = containers.filter((it) => it.handle === handle && it.runtime === "native");
  const names = planned?.containers ?? own.map((it) => it.service);
  const isRelay = (name: string): boolean => names.some((other) => name === `${other}-host`);
  return own.find((it) => it.service === handle) ?? own.find((it) => !isRelay(it.service));
}

const HEALTH: Partial<Record<ServiceState, string>> = {
  starting: "starting",
  ready: "healthy",
  degraded: "degraded",
  unhealthy: "unhealthy",
};

/** Behind a proxy that has ended, nothing is reached. */
function healthOf({ state, pid }: ServiceReport, proxy: Container | undefined): string {
  if (pid === null) return "";
  return proxy !== undefined && proxy.state !== "running" ? "unhealthy" : (HEALTH[state] ?? "");
}

/** Of what nothing but the record tells. */
function recordedStatus(handle: string, runtime: ServiceStatus["runtime"]): ServiceStatus {
  const state = runtime === "native" ? "stopped" : "unknown";
  return { handle, runtime, state, health: "", pid: null, container: null, ports: [], urls: [], since: null };
}

function containerStatus(container: Container, planned: PlannedService | undefined): ServiceStatus {
  const published = container.ports.filter((port) => port.hostPort !== undefined);
  const isMain = container.service === container.handle || planned?.containers.length === 1;
  return {
    handle: isMain ? container.handle : container.service,
    runtime: "container",
    state: container.state,
    health: container.health,
    pid: null,
    container: container.name,
    ports: published.map((port) => `${port.host}:${port.hostPort}->${port.containerPort}/${port.protocol}`),
    urls: container.state === "running" ? urlsOf(container, published, isMain ? planned : undefined) : [],
    since: container.startedAt ?? container.createdAt,
  };
}

/** As planned, where the ports are: only the plan knows of another scheme than HTTP. */
function urlsOf(container: Container, published: readonly ContainerPort[], planned: PlannedService | undefined): string[] {
  if (planned?.containers.length === 1 && planned.containers[0] === container.service) return planned.urls;
  return published.filter((port) => port.protocol === "tcp").map((port) => urlOf(port.host, port.hostPort));
}

function urlOf(host: string, port: number | undefined): string {
  const name = host === "" || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

export const command = defineCommand({
  meta: { name: "observe-stack", description: "Show what runs right now" },
  args: { project: { type: "string", description: "The compose project", default: "harbor" }, ...jsonArg },
  async run({ args }) {
    const observed = await observeStack({ home: findHome(process.env), env: process.env, project: args.project, needsEngine: false });
    emit(observed.services, { json: args.json, render: (them) => them.map((it) => `${it.handle}\t${it.state}`).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
