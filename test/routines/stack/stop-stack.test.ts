import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readProcess } from "../../../routines/_script/process-identity.ts";
import { readStack, type StackRecord, stateOf } from "../../../routines/stack/read-stack.ts";
import { type StoppedService, stopStack } from "../../../routines/stack/stop-stack.ts";
import { writeStack } from "../../../routines/stack/write-stack.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";
import { useHomes } from "../supervisor/_home.ts";

const newHome = useHomes();

const record: StackRecord = {
  project: "p",
  workspace: undefined,
  services: ["a", "b"],
  natives: ["a", "b"],
  capabilities: [],
  planned: [],
  hasContainers: false,
  bootId: "b",
};

function stop(home: string, handles: string[], was: StackRecord | undefined = record): Promise<StoppedService[]> {
  const env = { DOCKER_HOST: "unix:///nonexistent.sock" };
  return stopStack({
    home,
    project: "p",
    record: was,
    env,
    handles,
    progress: { isQuiet: true, say: () => undefined, warn: () => undefined },
  });
}

describe("stopStack", () => {
  test("forgets what was named and keeps the rest; without names forgets all", async () => {
    const home = makeFolder();
    writeStack(home, record);
    await stop(home, ["a"]);
    expect(readStack(home)).toMatchObject({ services: ["b"], natives: ["b"] });
    await stop(home, []);
    expect(existsSync(stateOf(home).stack)).toBe(false);
  });

  test("is content where nothing is up, and where a service that is named does not run", async () => {
    const home = makeTree({ "services/c/compose.c.yml": "" });
    expect(
      await stopStack({
        ...{ home, project: "p", record: undefined, handles: ["c"] },
        env: { DOCKER_HOST: "unix:///nonexistent.sock" },
        progress: { isQuiet: true, say: () => undefined, warn: () => undefined },
      }),
    ).toEqual([]);
    expect(await stop(home, ["c"])).toEqual([]);
  });

  test.each([
    ["unknown", "zzz"],
    ["usage", "../x"],
  ])("refuses with %s the name %s, and stops nothing", async (exit, name) => {
    const home = makeFolder();
    writeStack(home, record);
    expect(await stop(home, ["a", name]).catch((error: unknown) => error)).toMatchObject({ exit });
    expect(readStack(home)).toEqual(record);
  });

  test("does not pretend to have stopped containers that no engine tells of", async () => {
    const home = makeFolder();
    const withContainers = { ...record, hasContainers: true };
    writeStack(home, withContainers);
    expect(await stop(home, [], withContainers).catch((error: unknown) => error)).toMatchObject({ exit: "missing" });
    expect(readStack(home)).toEqual(withContainers);
  });

  describe("where the engine of its containers is gone", () => {
    const services = ["a", "box"];
    const mixed = { ...record, services, natives: ["a"], hasContainers: true };

    /** Not asked for by an engine's socket, which is nowhere. */
    async function startMixed(): Promise<{ home: string; pid: number }> {
      const native = newHome();
      await native.start([native.service("a", "stop: { signal: SIGKILL }", "exec sleep 600")]);
      writeStack(native.home, mixed);
      return { home: native.home, pid: await native.pid("a") };
    }

    test.each([
      ["all", [], "Left for `harbor down` once the engine answers: box"],
      ["the native one", ["a"], "Left for `harbor down` once the engine answers: what stands for it there"],
    ])("stops the processes of %s, keeps the rest on record and says so", async (_, handles, left) => {
      const { home, pid } = await startMixed();
      expect(await stop(home, handles, mixed).catch((error: unknown) => error)).toMatchObject({
        exit: "missing",
        message: expect.stringContaining("/nonexistent.sock"),
        details: ["Stopped: a", left],
      });
      expect(readProcess(pid)).toBeUndefined();
      expect(readStack(home)).toEqual({ ...mixed, services: ["box"], natives: [] });
      writeStack(home, undefined);
    });

    test("stops nothing for a container, nor for a name that may be one's", async () => {
      const { home, pid } = await startMixed();
      expect(await stop(home, ["box"], mixed).catch((error: unknown) => error)).toMatchObject({
        details: ["Left for `harbor down` once the engine answers: box"],
      });
      expect(await stop(home, ["a", "box-db"], mixed).catch((error: unknown) => error)).toMatchObject({ exit: "missing" });
      expect(readProcess(pid)).toBeDefined();
      expect(readStack(home)).toEqual(mixed);
      writeStack(home, undefined);
    });
  });
});
