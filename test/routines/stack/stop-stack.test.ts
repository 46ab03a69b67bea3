import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readStack, type StackRecord, stateOf } from "../../../routines/stack/read-stack.ts";
import { type StoppedService, stopStack } from "../../../routines/stack/stop-stack.ts";
import { writeStack } from "../../../routines/stack/write-stack.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

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
});
