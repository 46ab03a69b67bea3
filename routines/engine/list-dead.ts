/** What a project has in the engine that does not run: containers, those made for one command too, and networks without any. */
import type { ContainerInfo, NetworkInspectInfo } from "dockerode";
import { type UseEngineOptions, useEngine } from "./_use-engine.ts";

export interface DeadContainer {
  id: string;
  name: string;
  /** The Harbor service it belongs to. */
  handle: string;
  /** Made by `compose run`. */
  isOneOff: boolean;
  /** What it has written beside its image. */
  bytes: number | null;
  /** The engine's own words. */
  status: string;
}

interface ProjectOptions extends UseEngineOptions {
  project: string;
}

const LABEL = "com.docker.compose.project";

/** By name. */
export function listDead(options: ProjectOptions): Promise<DeadContainer[]> {
  return useEngine(options, async (engine) => {
    const filters = { label: [`${LABEL}=${options.project}`], status: ["created", "exited", "dead"] };
    const found = await engine.get<(ContainerInfo & { SizeRw?: number })[]>("/containers/json", { all: true, size: true, filters });
    const dead = found.map(({ Id: id, Names: names, Labels: labels, SizeRw: bytes, Status: status }) => ({
      id,
      name: (names[0] ?? "").replace(/^\//, ""),
      handle: labels["harbor.handle"] ?? labels["com.docker.compose.service"] ?? "",
      isOneOff: labels["com.docker.compose.oneoff"] === "True",
      bytes: bytes ?? null,
      status,
    }));
    return dead.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

/** Never one that has been started since. Gone already, or just about to be, is fine. */
export function removeDead(options: UseEngineOptions & { id: string }): Promise<void> {
  return useEngine(options, async ({ api }) => {
    await api
      .getContainer(options.id)
      .remove({ v: true })
      .catch((error: { statusCode?: number; message?: string }) => {
        if (error.statusCode !== 404 && !/already in progress/.test(error.message ?? "")) throw error;
      });
  });
}

export interface IdleNetwork {
  id: string;
  name: string;
}

/** `leaving` names containers that are counted as gone. */
export function listIdleNetworks(options: ProjectOptions & { leaving: readonly string[] }): Promise<IdleNetwork[]> {
  return useEngine(options, async (engine) => {
    const filters = { label: [`${LABEL}=${options.project}`] };
    const containers = await engine.get<ContainerInfo[]>("/containers/json", { all: true, filters });
    // a stopped one could not start again without it
    const isKept = containers.some(({ Names: names }) => !options.leaving.includes((names[0] ?? "").replace(/^\//, "")));
    if (isKept) return [];
    const networks = await engine.get<NetworkInspectInfo[]>("/networks", { filters });
    const inspected = await Promise.all(networks.map(({ Id: id }) => engine.get<NetworkInspectInfo>(`/networks/${id}`)));
    // a container of somebody else's project may have joined it
    return inspected.filter((it) => Object.keys(it.Containers ?? {}).length === 0).map(({ Id: id, Name: name }) => ({ id, name }));
  });
}

/** Gone already is fine. */
export function removeNetwork(options: UseEngineOptions & { id: string }): Promise<void> {
  return useEngine(options, async ({ api }) => {
    await api
      .getNetwork(options.id)
      .remove()
      .catch((error: { statusCode?: number }) => {
        if (error.statusCode !== 404) throw error;
      });
  });
}
