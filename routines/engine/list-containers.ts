#!/usr/bin/env bun
/**
 * List the containers of a project, running or not, by the labels that compose gives them.
 *
 *   bun routines/engine/list-containers.ts --project harbor --json
 */
import type { ContainerInfo, Port } from "dockerode";
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { table } from "../_script/table.ts";
import { findHome } from "../config/find-home.ts";
import { projectArg, type UseEngineOptions, useEngine } from "./_use-engine.ts";
import type { Engine } from "./connect-engine.ts";

export interface ContainerPort {
  /** The host's address; empty where the port is not published. */
  host: string;
  hostPort?: number;
  containerPort: number;
  protocol: string;
}

export interface Container {
  id: string;
  name: string;
  /** Its name in the compose file. */
  service: string;
  /** The Harbor service it belongs to. */
  handle: string;
  /** Of what stands in for something outside the engine: what that is. */
  runtime: "container" | "native" | "connected";
  /** Services of the compose file. */
  dependsOn: string[];
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  state: string;
  /** `starting`, `healthy`, `unhealthy`; empty where it has no healthcheck or does not run. */
  health: string;
  /** Of the last run; null where there was none. */
  exitCode: number | null;
  ports: ContainerPort[];
  image: string;
  /** What it was made of, whatever that name means by now. */
  imageId: string;
  createdAt: string;
  /** Null before the first start, and where it was not asked for. */
  startedAt: string | null;
  /** The engine's own words: `Up 5 minutes (healthy)`. */
  status: string;
}

export interface ListContainersOptions extends UseEngineOptions {
  project: string;
  /** Ask for `startedAt` as well: one more question for each container. */
  details?: boolean;
}

/** Sorted by service, then by name. */
export async function listContainers(options: ListContainersOptions): Promise<Container[]> {
  const { project, details = true, signal } = options;
  return useEngine(options, async (engine) => {
    const filters = { label: [`com.docker.compose.project=${project}`] };
    const found = await engine.get<ContainerInfo[]>("/containers/json", { all: true, filters }, signal);
    const containers = found.filter((info) => info.Labels["com.docker.compose.oneoff"] !== "True").map(readContainer);
    if (details) await Promise.all(containers.map((container) => addStart(engine, container, signal)));
    return containers.sort((a, b) => compare(a.service, b.service) || compare(a.name, b.name));
  });
}

function readContainer(info: ContainerInfo): Container {
  const labels = info.Labels;
  const service = labels["com.docker.compose.service"] ?? "";
  return {
    id: info.Id,
    name: (info.Names[0] ?? "").replace(/^\//, ""),
    service,
    handle: labels["harbor.handle"] ?? service,
    runtime: readRuntime(labels["harbor.runtime"]),
    dependsOn: readDependencies(labels["com.docker.compose.depends_on"] ?? ""),
    state: info.State,
    health: info.State === "running" ? readHealth(info.Status) : "",
    exitCode: readExitCode(info.Status),
    ports: readPorts(info.Ports),
    image: info.Image,
    imageId: info.ImageID,
    createdAt: new Date(info.Created * 1000).toISOString(),
    startedAt: null,
    status: info.Status,
  };
}

function readRuntime(label: string | undefined): Container["runtime"] {
  return label === "native" || label === "connected" ? label : "container";
}

/** `redis:service_healthy:false,db:service_started:true` */
function readDependencies(label: string): string[] {
  return label.split(",").flatMap((part) => part.split(":", 1).filter((name) => name !== ""));
}

/** Engines older than 28 tell health in this text alone. */
function readHealth(status: string): string {
  return /\((?:health: )?(starting|healthy|unhealthy)\)/.exec(status)?.[1] ?? "";
}

function readExitCode(status: string): number | null {
  const code = /^(?:Exited|Restarting) \((\d+)\)/.exec(status)?.[1];
  return code === undefined ? null : Number(code);
}

/** A port published on all addresses comes once for IPv4 and once for IPv6. */
function readPorts(ports: readonly Port[]): ContainerPort[] {
  const read = ports.map(({ IP, PublicPort, PrivatePort, Type }) => ({
    host: IP ?? "",
    ...(PublicPort === undefined ? {} : { hostPort: PublicPort }),
    containerPort: PrivatePort,
    protocol: Type,
  }));
  const isTwin = (port: ContainerPort): boolean =>
    port.host === "::" &&
    read.some((other) => other.host === "0.0.0.0" && other.hostPort === port.hostPort && other.protocol === port.protocol);
  return read.filter((port) => !isTwin(port)).sort((a, b) => a.containerPort - b.containerPort || (a.hostPort ?? 0) - (b.hostPort ?? 0));
}

type Inspected = { State: { StartedAt: string; Health?: { Status: string } | undefined } };

async function addStart(engine: Engine, container: Container, signal: AbortSignal | undefined): Promise<void> {
  const inspected = await engine.get<Inspected>(`/containers/${container.id}/json`, {}, signal).catch(ignoreGone);
  if (inspected === undefined) return;
  const { StartedAt: startedAt, Health: health } = inspected.State;
  container.startedAt = startedAt.startsWith("0001-") ? null : new Date(startedAt).toISOString();
  // Podman's list does not tell it.
  if (container.state === "running" && container.health === "" && health !== undefined && health.Status !== "none")
    container.health = health.Status;
}

/** It may have been removed since the list was made. */
function ignoreGone(error: { statusCode?: number }): undefined {
  if (error.statusCode === 404) return undefined;
  throw error;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export const command = defineCommand({
  meta: { name: "list-containers", description: "List the containers of a project" },
  args: { ...projectArg, ...jsonArg },
  async run({ args }) {
    const containers = await listContainers({ project: args.project, env: process.env, home: findHome(process.env) });
    const render = (them: Container[]): string => table(them.map((it) => [it.name, it.handle, it.image, it.status])).join("\n");
    emit(containers, { json: args.json, render });
  },
});

if (import.meta.main) await runScript(command);
