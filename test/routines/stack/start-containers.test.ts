import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import type { MadePlan } from "../../../routines/compose/make-plan.ts";
import { removeReplaced, startContainers } from "../../../routines/stack/start-containers.ts";
import { makeTree } from "../../_workspace.ts";
import { containerInfo, type FakeEngine, startFakeEngine } from "../engine/_fake-engine.ts";

const SLOW = "trap 'exit 130' INT; while :; do sleep 0.01; done";

/** A start of the services `a` and `b`, with a compose of this script and an engine that has these containers. */
async function start(fake: FakeEngine, script: string, timeoutMs: number): Promise<unknown> {
  const folder = makeTree({ compose: `#!/bin/sh\n${script}\n`, "values.env": "" });
  const path = join(folder, "compose");
  chmodSync(path, 0o755);
  const made = { plan: { project: "p", services: [], compose: { services: { a: {}, b: {} } } } } as unknown as MadePlan;
  return startContainers({
    made,
    session: { compose: { path, version: "2.40.0" }, connect: () => Promise.resolve(fake.engine) },
    ...{ file: join(folder, "compose.yml"), envFile: join(folder, "values.env"), projectDirectory: folder },
    env: { PATH: process.env.PATH, DOCKER_HOST: fake.host },
    ...{ build: false, pull: false, timeoutMs, isResumed: false },
    signal: new AbortController().signal,
    progress: { isQuiet: true, say: () => undefined, warn: () => undefined },
  }).then(
    () => "ready",
    (error: unknown) => error,
  );
}

function engineWith(containers: object[]): FakeEngine {
  return startFakeEngine((_, url) =>
    Response.json(url.pathname === "/containers/json" ? containers : { State: {}, Config: { Tty: true }, RestartCount: 0 }),
  );
}

describe("startContainers, when its time is over while compose is at work", () => {
  const ready = ["a", "b"].map((name) => containerInfo(name));
  const starting = containerInfo("b", { Status: "Up 1 second (health: starting)" });
  test.each<[string, object[], string]>([
    ["made no container", [], '"a", "b": no container was made within 0.1 s'],
    ["has yet to make one", ready.slice(0, 1), '"b": no container was made within 0.1 s'],
    ["waits for one", [containerInfo("a", { State: "created", Status: "Created" }), starting], '"a", "b": not ready after 0.1 s'],
    ["has all running", ready, '"docker compose up": not done within 0.1 s'],
  ])("throws timeout where it %s, and names the time that was asked for", async (_, containers, message) => {
    using fake = engineWith(containers);
    expect(await start(fake, SLOW, 100)).toMatchObject({ exit: "timeout", message: `Cannot wait any longer for ${message}` });
  });

  test("throws what compose says where it fails by itself", async () => {
    using fake = engineWith([]);
    expect(await start(fake, "echo no such image >&2; exit 1", 60_000)).toMatchObject({
      exit: "failed",
      message: expect.stringContaining("no such image"),
    });
    using ready = engineWith(["a", "b"].map((name) => containerInfo(name)));
    expect(await start(ready, "exit 0", 60_000)).toBe("ready");
  });
});

describe("removeReplaced", () => {
  const labelled = (service: string, handle: string, runtime: string): object =>
    containerInfo(service, { Labels: { "harbor.handle": handle, "harbor.runtime": runtime } });

  async function remove(containers: object[], services: object[], compose: object) {
    const removed: string[] = [];
    using fake = startFakeEngine((request, url) => {
      if (url.pathname === "/containers/json") return Response.json(containers);
      if (url.pathname === "/networks") return Response.json([]);
      if (url.pathname === "/volumes") return Response.json({ Volumes: [] });
      if (request.method === "DELETE") removed.push(url.pathname.replace("/containers/id-", ""));
      return Response.json({ StatusCode: 0 });
    });
    const made = { plan: { project: "p", services, compose: { services: compose } } } as unknown as MadePlan;
    const compose_ = { path: "", version: "" };
    const replaced = await removeReplaced({ made, session: { compose: compose_, connect: () => Promise.resolve(fake.engine) } });
    return { ...replaced, removed: removed.sort() };
  }

  const box = labelled("box", "box", "container");
  const other = labelled("other", "other", "container");

  test("takes what is to run on something else and leaves the rest", async () => {
    const services = [
      { handle: "box", runtime: "native" },
      { handle: "other", runtime: "container" },
    ];
    expect(await remove([box, other], services, { box: {}, other: {} })).toEqual({
      ...{ handles: ["box"], gone: ["box"], isLast: false, removed: ["box"] },
    });
  });

  test("tells when it took the last of the project, and when a service keeps a container", async () => {
    const native = [{ handle: "box", runtime: "native" }];
    expect(await remove([box], native, {})).toMatchObject({ gone: ["box"], isLast: true, removed: ["box"] });
    expect(await remove([], native, {})).toMatchObject({ handles: [], isLast: true, removed: [] });
    const relay = labelled("box-host", "box", "native");
    const proxy = labelled("box", "box", "native");
    expect(await remove([proxy, relay], native, { box: {} })).toEqual({ handles: ["box"], gone: [], isLast: false, removed: ["box-host"] });
  });
});
