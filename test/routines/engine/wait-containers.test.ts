import { describe, expect, test } from "bun:test";
import {
  type ContainerProgress,
  type ContainerStage,
  judge,
  waitContainers,
  waitStandIns,
} from "../../../routines/engine/wait-containers.ts";
import { containerInfo, type FakeEngine, startFakeEngine } from "./_fake-engine.ts";

/** An engine whose list of containers goes from one to the next at each question, and stays at the last. */
function startEngine(lists: object[][], inspected: object = { State: {}, Config: { Tty: true } }): FakeEngine {
  let at = 0;
  return startFakeEngine((_, url) => {
    if (url.pathname === "/containers/json") return Response.json(lists[Math.min(at++, lists.length - 1)]);
    return url.pathname.endsWith("/logs") ? new Response("first line\nlast line\n") : Response.json(inspected);
  });
}

describe("judge", () => {
  const cases: [ContainerStage, { state: string; health?: string; exitCode?: number; status?: string }][] = [
    ["ready", { state: "running" }],
    ["ready", { state: "running", health: "healthy", status: "Up Less than a second (healthy)" }],
    ["starting", { state: "running", status: "Up Less than a second" }],
    ["starting", { state: "running", health: "starting" }],
    ["failed", { state: "running", health: "unhealthy" }],
    ["created", { state: "created" }],
    ["restarting", { state: "restarting", exitCode: 1 }],
    ["done", { state: "exited", exitCode: 0 }],
    ["failed", { state: "exited", exitCode: 3 }],
    ["failed", { state: "dead" }],
    ["starting", { state: "paused" }],
  ];
  test.each(cases)("%s: %j", (stage, { state, health = "", exitCode = null, status = "" }) => {
    expect(judge({ state, health, exitCode, status })).toBe(stage);
  });
});

describe("waitContainers", () => {
  test("asks once when all is ready", async () => {
    using fake = startEngine([[containerInfo("a"), containerInfo("b", { Status: "Up 1 minute (healthy)" })]]);
    expect(await waitContainers({ engine: fake.engine, project: "p" })).toHaveLength(2);
    expect(fake.asked).toEqual(["GET /containers/json"]);
  });

  test("tells each change of a service, and returns when the last is ready", async () => {
    const starting = containerInfo("a", { Status: "Up 1 second (health: starting)" });
    using fake = startEngine([[containerInfo("a", { State: "created", Status: "Created" })], [starting], [starting], [containerInfo("a")]]);
    const changes: ContainerProgress[] = [];
    await waitContainers({ engine: fake.engine, project: "p", onProgress: (change) => changes.push(change) });
    expect(changes.map((it) => it.state)).toEqual(["created", "starting", "ready"]);
  });

  test("does not take what stands in for a process for ill: its check lags behind", async () => {
    const unhealthy = containerInfo("a", { Status: "Up 1 minute (unhealthy)", Labels: { "harbor.runtime": "native" } });
    const healthy = { ...unhealthy, Status: "Up 1 minute (healthy)" };
    using fake = startEngine([[unhealthy], [unhealthy], [healthy]]);
    const changes: ContainerProgress[] = [];
    await waitContainers({ engine: fake.engine, project: "p", onProgress: (change) => changes.push(change) });
    expect(changes.map((it) => it.state)).toEqual(["starting", "ready"]);

    using another = startEngine([[unhealthy], [healthy], [unhealthy]]);
    await waitStandIns({ engine: another.engine, project: "p" });
    expect(another.asked).toHaveLength(2);
  });

  test("waits for the services named alone", async () => {
    using fake = startEngine([[containerInfo("a"), containerInfo("b", { State: "exited", Status: "Exited (1) now" })]]);
    expect(await waitContainers({ engine: fake.engine, project: "p", services: ["a"] })).toHaveLength(1);
  });

  test("throws for one that ended badly, with the last lines of its log", async () => {
    using fake = startEngine([[containerInfo("a", { State: "exited", Status: "Exited (3) now" })]], {
      State: { ExitCode: 3, OOMKilled: true },
      Config: { Tty: true },
    });
    await expect(waitContainers({ engine: fake.engine, project: "p" })).rejects.toMatchObject({
      message: 'Cannot start "a": container "p-a-1" ended with code 3 (out of memory)',
      exit: "failed",
      details: ["first line", "last line"],
    });
  });

  test("throws for an unhealthy one, with what its check said", async () => {
    const State = { Health: { Log: [{ ExitCode: 1, Output: "wget: server returned error: 500\n" }] } };
    using fake = startEngine([[containerInfo("a", { Status: "Up 1 minute (unhealthy)" })]], { State, Config: { Tty: true } });
    const message = 'Cannot start "a": container "p-a-1" is unhealthy (its check says: wget: server returned error: 500)';
    await expect(waitContainers({ engine: fake.engine, project: "p" })).rejects.toMatchObject({ message });
  });

  test("throws for one that is started again and again", async () => {
    using fake = startEngine([[containerInfo("a", { State: "restarting", Status: "Restarting (1) now" })]], {
      RestartCount: 3,
      State: { ExitCode: 1 },
      Config: { Tty: true },
    });
    await expect(waitContainers({ engine: fake.engine, project: "p" })).rejects.toThrow("ended with code 1");
  });

  test("throws timeout, saying what each was doing and wrote last", async () => {
    using fake = startEngine([[containerInfo("a", { Status: "Up 1 second (health: starting)" }), containerInfo("b")]]);
    await expect(waitContainers({ engine: fake.engine, project: "p", timeoutMs: 40 })).rejects.toMatchObject({
      exit: "timeout",
      message: 'Cannot wait any longer for "a": not ready after 0.04 s',
      details: ["a: running, health: starting", "first line", "last line"],
    });
  });

  test("asks once when the time is over already, and names the whole of it", async () => {
    using fake = startEngine([[containerInfo("a", { Status: "Up 1 second (health: starting)" })]]);
    const wait = waitContainers({ engine: fake.engine, project: "p", timeoutMs: 4000, deadline: performance.now() });
    await expect(wait).rejects.toMatchObject({ message: 'Cannot wait any longer for "a": not ready after 4 s' });
    expect(fake.asked.filter((it) => it === "GET /containers/json")).toHaveLength(1);
  });

  test("throws interrupted on an abort", async () => {
    using fake = startEngine([[containerInfo("a", { State: "created", Status: "Created" })]]);
    const controller = new AbortController();
    const attempt = waitContainers({ engine: fake.engine, project: "p", signal: controller.signal, onProgress: () => controller.abort() });
    await expect(attempt).rejects.toMatchObject({ exit: "interrupted" });
  });

  test("throws for a project without containers, but not for no services", async () => {
    using fake = startEngine([[]]);
    expect(await waitContainers({ engine: fake.engine, project: "p", services: [] })).toEqual([]);
    await expect(waitContainers({ engine: fake.engine, project: "p" })).rejects.toThrow(
      'Cannot wait for project "p": it has no containers',
    );
  });
});
