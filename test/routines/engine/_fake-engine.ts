/** A small HTTP server on a unix socket that answers as an engine would, and records what it was asked. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerInfo } from "dockerode";
import { createEngineClient } from "../../../routines/_script/docker.ts";
import type { Engine } from "../../../routines/engine/connect-engine.ts";

export type Answer = (request: Request, url: URL) => Response | undefined | Promise<Response | undefined>;

export interface FakeEngine extends Disposable {
  folder: string;
  host: string;
  /** `METHOD /path`, in order. */
  asked: string[];
  engine: Engine;
  /** Breaks off every connection, as an engine that is killed does. */
  stop: () => void;
}

/** Listens on a socket in a folder of its own; a request that `answer` leaves undefined is a 404. */
export function startFakeEngine(answer: Answer): FakeEngine {
  const folder = mkdtempSync(join(tmpdir(), "harbor-engine-"));
  const socket = join(folder, "engine.sock");
  const asked: string[] = [];
  const server = Bun.serve({
    unix: socket,
    async fetch(request) {
      const url = new URL(request.url);
      asked.push(`${request.method} ${url.pathname}`);
      return (await answer(request, url)) ?? Response.json({ message: "no such thing" }, { status: 404 });
    },
  });
  const endpoint = { host: `unix://${socket}`, origin: "DOCKER_HOST" as const };
  return {
    folder,
    host: endpoint.host,
    asked,
    engine: Object.assign(createEngineClient({ socketPath: socket }), { endpoint, kind: "linux" as const, version: "28.0.0" }),
    stop: () => void server.stop(true),
    [Symbol.dispose]() {
      void server.stop(true);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** One entry of the engine's list of containers. */
export function containerInfo(service: string, info: Partial<Record<keyof ContainerInfo, unknown>> = {}): object {
  const { Labels, ...rest } = info;
  return {
    Id: `id-${service}`,
    Names: [`/p-${service}-1`],
    Image: "busybox:local",
    Created: 1_800_000_000,
    State: "running",
    Status: "Up 5 minutes",
    Ports: [],
    Labels: { "com.docker.compose.project": "p", "com.docker.compose.service": service, ...(Labels as object | undefined) },
    ...rest,
  };
}
