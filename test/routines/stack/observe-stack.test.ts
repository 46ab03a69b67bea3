import { beforeEach, describe, expect, test } from "bun:test";
import { readBootId } from "../../../routines/_script/process-identity.ts";
import type { PlannedService } from "../../../routines/compose/make-plan.ts";
import { currentStack } from "../../../routines/stack/current-stack.ts";
import { type ObservedStack, observeStack } from "../../../routines/stack/observe-stack.ts";
import type { StackRecord } from "../../../routines/stack/read-stack.ts";
import { writeStack } from "../../../routines/stack/write-stack.ts";
import { makeFolder } from "../../_workspace.ts";
import { containerInfo, startFakeEngine } from "../engine/_fake-engine.ts";
import { serverLines, type TestHome, useHomes } from "../supervisor/_home.ts";

const newHome = useHomes();

let home: TestHome;
beforeEach(() => {
  home = newHome({ DOCKER_HOST: "unix:///nonexistent.sock" });
});

/** `a`, and `lost`, of which nothing but the record is left. */
function makeRecord(hasContainers: boolean, url = "http://127.0.0.1:7"): StackRecord {
  const planned = [
    { handle: "a", runtime: "native", containers: hasContainers ? ["a-host", "a"] : [], ports: [], because: "", runs: "", urls: [url] },
    ...(hasContainers
      ? [
          {
            handle: "web",
            runtime: "container",
            containers: ["web", "web-db"],
            ports: [],
            because: "",
            runs: "",
            urls: ["http://127.0.0.1:8"],
          },
        ]
      : []),
  ] as PlannedService[];
  const services = ["a", "lost"];
  const common = { project: "recorded", workspace: undefined, services, natives: services, capabilities: [] };
  return { ...common, planned, hasContainers, bootId: readBootId() };
}

/** With `a` running. */
async function start(hasContainers: boolean): Promise<number> {
  const spec = home.service("a", serverLines());
  await home.start([spec]);
  writeStack(home.home, makeRecord(hasContainers, `http://127.0.0.1:${spec.port}`));
  return spec.port ?? 0;
}

const observe = (more: Partial<Parameters<typeof observeStack>[0]> = {}): Promise<ObservedStack> =>
  observeStack({ home: home.home, env: home.env, project: "p", needsEngine: true, ...more });

describe("observeStack", () => {
  test("shows what runs and what should, without asking an engine that nothing needs", async () => {
    const port = await start(false);
    const { services, engineError } = await observe();
    expect(engineError).toBeUndefined();
    const { pid, startedAt, since } = await home.report("a");
    expect(services).toEqual([
      {
        handle: "a",
        runtime: "native",
        state: "running",
        health: "healthy",
        pid,
        container: null,
        ports: [`127.0.0.1:${port}`],
        urls: [`http://127.0.0.1:${port}`],
        since: startedAt,
        supervised: { state: "ready", why: "it answers as it should", since, status: "", restarts: 0 },
      },
      {
        handle: "lost",
        runtime: "native",
        state: "stopped",
        health: "",
        pid: null,
        container: null,
        ports: [],
        urls: [],
        since: null,
      },
    ]);
  });

  test("shows what the supervisor makes of one that does not run", async () => {
    await home.start([home.service("a", "restart: { policy: 'no' }", "exit 3")]);
    await home.untilState("a", "failed");
    writeStack(home.home, makeRecord(false));
    expect((await observe()).services[0]).toMatchObject({
      handle: "a",
      state: "failed",
      health: "",
      pid: null,
      urls: [],
      supervised: { why: "its process ended with exit code 3" },
    });
  });

  test("shows containers as recorded where no engine answers, and why; or fails where they are needed", async () => {
    await start(true);
    const { services, engineError } = await observe({ needsEngine: false });
    expect(engineError?.exit).toBe("missing");
    expect(services.map((it) => [it.handle, it.runtime, it.state])).toEqual([
      ["a", "native", "running"],
      ["lost", "native", "stopped"],
      ["web", "container", "unknown"],
    ]);
    expect(services[2]).toMatchObject({ health: "", container: null, urls: [] });
    const failed: unknown = await observe().catch((error: unknown) => error);
    expect(failed).toMatchObject({ exit: "missing" });
  });

  const proxy = (service: string, state: string, status: string): object =>
    containerInfo(service, { State: state, Status: status, Labels: { "harbor.handle": "a", "harbor.runtime": "native" } });

  test.each([
    ["that runs", "running", "Up 5 minutes", "healthy"],
    ["that has ended", "exited", "Exited (1) 2 minutes ago", "unhealthy"],
  ])("finds the proxy of a native service by its name: one %s", async (_, state, status, health) => {
    await start(true);
    using fake = startFakeEngine((_request, url) =>
      url.pathname === "/containers/json"
        ? Response.json([proxy("a-host", "running", "Up 5 minutes"), proxy("a", state, status)])
        : undefined,
    );
    const { services } = await observe({ engine: fake.engine });
    expect(services.find((it) => it.handle === "a")).toMatchObject({ container: "p-a-1", health });
  });
});

describe("currentStack", () => {
  test("is what was recorded, else what it would be called", () => {
    writeStack(home.home, makeRecord(false));
    expect(currentStack({ HARBOR_HOME: home.home, HARBOR_PROJECT: "other" })).toMatchObject({
      project: "recorded",
      record: { services: ["a", "lost"] },
    });
    expect(currentStack({ HARBOR_HOME: makeFolder(), HARBOR_PROJECT: "other" })).toMatchObject({ project: "other", record: undefined });
  });
});
