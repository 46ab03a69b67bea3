import { describe, expect, test } from "bun:test";
import { identifyProcess, readBootId } from "../../../routines/_script/process-identity.ts";
import { currentStack } from "../../../routines/stack/current-stack.ts";
import { observeStack } from "../../../routines/stack/observe-stack.ts";
import { makeTree } from "../../_workspace.ts";
import { containerInfo, startFakeEngine } from "../engine/_fake-engine.ts";

const env = { DOCKER_HOST: "unix:///nonexistent.sock" };

function makeHome(hasContainers: boolean): string {
  const record = {
    project: "recorded",
    services: ["a", "lost"],
    natives: ["a", "lost"],
    capabilities: [],
    planned: [
      { handle: "a", runtime: "native", containers: hasContainers ? ["a-host", "a"] : [], urls: ["http://127.0.0.1:7"] },
      ...(hasContainers ? [{ handle: "web", runtime: "container", containers: ["web", "web-db"], urls: ["http://127.0.0.1:8"] }] : []),
    ],
    hasContainers,
    bootId: readBootId(),
  };
  const process_ = {
    handle: "a",
    ...identifyProcess(process.pid),
    mark: "a",
    argv: ["x"],
    cwd: "/",
    port: 7,
    containerPort: 70,
    contract: "/c",
    stop: { signal: "SIGTERM", grace: "1s" },
    startedAt: "2026-01-01T00:00:00.000Z",
    logFolder: "/l",
    logRun: 1,
    fingerprint: "f",
  };
  return makeTree({ "state/stack.json": JSON.stringify(record), "state/native/a/process.json": JSON.stringify(process_) });
}

describe("observeStack", () => {
  test("shows what runs and what should, without asking an engine that nothing needs", async () => {
    const { services, engineError } = await observeStack({ home: makeHome(false), env, project: "p", needsEngine: true });
    expect(engineError).toBeUndefined();
    expect(services).toEqual([
      {
        handle: "a",
        runtime: "native",
        state: "running",
        health: "",
        pid: process.pid,
        container: null,
        ports: ["127.0.0.1:7"],
        urls: ["http://127.0.0.1:7"],
        since: "2026-01-01T00:00:00.000Z",
      },
      { handle: "lost", runtime: "native", state: "stopped", health: "", pid: null, container: null, ports: [], urls: [], since: null },
    ]);
  });

  test("shows containers as recorded where no engine answers, and why; or fails where they are needed", async () => {
    const home = makeHome(true);
    const { services, engineError } = await observeStack({ home, env, project: "p", needsEngine: false });
    expect(engineError?.exit).toBe("missing");
    expect(services.map((it) => [it.handle, it.runtime, it.state])).toEqual([
      ["a", "native", "running"],
      ["lost", "native", "stopped"],
      ["web", "container", "unknown"],
    ]);
    expect(services[2]).toMatchObject({ health: "", container: null, urls: [] });
    const failed: unknown = await observeStack({ home, env, project: "p", needsEngine: true }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ exit: "missing" });
  });

  const proxy = (service: string, state: string, status: string): object =>
    containerInfo(service, { State: state, Status: status, Labels: { "harbor.handle": "a", "harbor.runtime": "native" } });

  test.each([
    ["with a healthcheck", "running", "Up 5 minutes (healthy)", "healthy"],
    ["without one", "running", "Up 5 minutes", ""],
    ["that has ended", "exited", "Exited (1) 2 minutes ago", "unhealthy"],
  ])("finds the proxy of a native service by its name: one %s", async (_, state, status, health) => {
    using fake = startFakeEngine((_request, url) =>
      url.pathname === "/containers/json"
        ? Response.json([proxy("a-host", "running", "Up 5 minutes"), proxy("a", state, status)])
        : undefined,
    );
    const { services } = await observeStack({ home: makeHome(true), env, project: "p", needsEngine: true, engine: fake.engine });
    expect(services.find((it) => it.handle === "a")).toMatchObject({ container: "p-a-1", health });
  });
});

describe("currentStack", () => {
  test("is what was recorded, else what it would be called", () => {
    expect(currentStack({ HARBOR_HOME: makeHome(false), HARBOR_PROJECT: "other" })).toMatchObject({
      project: "recorded",
      record: { services: ["a", "lost"] },
    });
    expect(currentStack({ HARBOR_HOME: makeTree({}), HARBOR_PROJECT: "other" })).toMatchObject({ project: "other", record: undefined });
  });
});
