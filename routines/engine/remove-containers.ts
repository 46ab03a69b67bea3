#!/usr/bin/env bun
/**
 * Stop and remove containers of a project, and what is left of the project with the last of them.
 * Works by labels through the engine's API alone: no compose file is needed.
 *
 *   bun routines/engine/remove-containers.ts --project harbor webui
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import { projectArg, type UseEngineOptions, useEngine } from "./_use-engine.ts";
import type { Engine } from "./connect-engine.ts";
import { type Container, listContainers } from "./list-containers.ts";

export interface RemoveContainersOptions extends UseEngineOptions {
  project: string;
  /** Which; all of the project when both are left out. */
  containers?: readonly Pick<Container, "id" | "name">[];
  /** Names in the compose file. */
  services?: readonly string[];
  /** How long each may take to stop; its own `stop_grace_period` when left out. */
  graceSeconds?: number;
  /** Also the project's networks, where no container of it is left; a stopped one could not start again without. */
  networks?: boolean;
  /** Also the volumes that hold nothing of the user's (Harbor's own), where no container of it is left. */
  volumes?: boolean;
}

export interface Removed {
  containers: string[];
  networks: string[];
  volumes: string[];
}

/** Volumes by their name in the compose file that Harbor makes for itself and fills anew at each start. */
const OWN_VOLUMES = ["harbor-native"];

/** In parallel; what is gone already is no error, what another project has is never touched. */
export async function removeContainers(options: RemoveContainersOptions): Promise<Removed> {
  return useEngine(options, async (engine) => {
    const containers = await findContainers(engine, options);
    await Promise.all(containers.map(({ id }) => removeContainer(engine, id, options.graceSeconds)));
    const isLast =
      (options.networks || options.volumes) && (await listContainers({ engine, project: options.project, details: false })).length === 0;
    return {
      containers: containers.map(({ name }) => name),
      networks: options.networks && isLast ? await removeNetworks(engine, options.project) : [],
      volumes: options.volumes && isLast ? await removeVolumes(engine, options.project) : [],
    };
  });
}

async function findContainers(engine: Engine, options: RemoveContainersOptions): Promise<Pick<Container, "id" | "name">[]> {
  const all = await listContainers({ engine, project: options.project, details: false });
  if (options.containers !== undefined) {
    const wanted = new Set(options.containers.map(({ id }) => id));
    return all.filter(({ id }) => wanted.has(id));
  }
  const { services } = options;
  return services === undefined ? all : all.filter(({ service }) => services.includes(service));
}

/** Its anonymous volumes stay, as with `docker compose down`: nobody but its user knows what is in them. */
async function removeContainer({ api }: Engine, id: string, graceSeconds: number | undefined): Promise<void> {
  const container = api.getContainer(id);
  await container.stop(graceSeconds === undefined ? {} : { t: graceSeconds }).catch(ignore(NOT_MODIFIED, NOT_FOUND));
  await container.remove({ force: true }).catch(ignore(NOT_FOUND, CONFLICT));
  await container.wait({ condition: "removed" }).catch(ignore(NOT_FOUND)); // another's removal may be under way
}

async function removeNetworks({ api }: Engine, project: string): Promise<string[]> {
  const networks = await api.listNetworks({ filters: { label: [`com.docker.compose.project=${project}`] } });
  const removed = await Promise.all(
    networks.map(async ({ Id: id, Name: name }) => {
      const isRemoved = await succeeds(api.getNetwork(id).remove(), NOT_FOUND, FORBIDDEN);
      return isRemoved ? [name] : [];
    }),
  );
  return removed.flat();
}

async function removeVolumes({ api }: Engine, project: string): Promise<string[]> {
  const { Volumes: found } = await api.listVolumes({ filters: JSON.stringify({ label: [`com.docker.compose.project=${project}`] }) });
  const own = (found ?? []).filter((volume) => OWN_VOLUMES.includes(volume.Labels?.["com.docker.compose.volume"] ?? ""));
  const removed = await Promise.all(
    own.map(async ({ Name: name }) => ((await succeeds(api.getVolume(name).remove(), NOT_FOUND, CONFLICT)) ? [name] : [])),
  );
  return removed.flat();
}

const NOT_MODIFIED = 304;
const NOT_FOUND = 404;
/** A network that a container of another project has joined. */
const FORBIDDEN = 403;
/** A container whose removal is under way, a volume that something uses. */
const CONFLICT = 409;

/** False for one of these answers. */
async function succeeds(request: Promise<unknown>, ...codes: number[]): Promise<boolean> {
  return request.then(() => true).catch((error) => ignore(...codes)(error) ?? false);
}

function ignore(...codes: number[]): (error: { statusCode?: number }) => undefined {
  return (error) => {
    if (error.statusCode !== undefined && codes.includes(error.statusCode)) return undefined;
    throw error;
  };
}

export const command = defineCommand({
  meta: { name: "remove-containers", description: "Stop and remove containers of a project" },
  args: {
    service: {
      type: "positional",
      description: "Services to remove; all of the project, with its networks, when left out",
      multiple: true,
    },
    ...projectArg,
    ...jsonArg,
  },
  async run({ args }) {
    const isWhole = args.service.length === 0;
    const which = isWhole ? { networks: true, volumes: true } : { services: args.service };
    const removed = await removeContainers({ project: args.project, ...which, env: process.env, home: findHome(process.env) });
    emit(removed, { json: args.json, render: (it) => [...it.containers, ...it.networks, ...it.volumes].join("\n") });
  },
});

if (import.meta.main) await runScript(command);
