import { describe, expect, test } from "bun:test";
import { identifyProcess, readBootId } from "../../../routines/_script/process-identity.ts";
import { currentStack } from "../../../routines/stack/current-stack.ts";
import { observeStack } from "../../../routines/stack/observe-stack.ts";
import { makeTree } from "../../_workspace.ts";

const env = { DOCKER_HOST: "unix:///nonexistent.sock" };

function makeHome(hasContainers: boolean): string {
  const record = {
    project: "recorded",
    services: ["a", "lost"],
    natives: ["a", "lost"],
    capabilities: [],
    planned: [{ handle: "a", urls: ["http://127.0.0.1:7"] }],
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
    logFile: "/l",
    logStart: 0,
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

  test("says why containers are not in it, or fails where they are needed", async () => {
    const home = makeHome(true);
    expect((await observeStack({ home, env, project: "p", needsEngine: false })).engineError?.exit).toBe("missing");
    const failed: unknown = await observeStack({ home, env, project: "p", needsEngine: true }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ exit: "missing" });
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
