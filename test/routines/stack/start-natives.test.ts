import { afterEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { NativeSpec } from "../../../routines/native/start-process.ts";
import { stopProcess } from "../../../routines/native/stop-process.ts";
import { startNatives } from "../../../routines/stack/start-natives.ts";
import { freePort } from "../../_ports.ts";
import { makeFolder } from "../../_workspace.ts";
import { LIFE } from "../native/_fixture.ts";

const started: { handle: string; stateDirectory: string }[] = [];

afterEach(async () => {
  await Promise.all(started.splice(0).map((it) => stopProcess({ ...it, forget: true })));
});

async function spec(handle: string, code: string, timeout = "20s"): Promise<NativeSpec> {
  const port = freePort();
  const argv = ["bun", "-e", code.replaceAll("PORT", String(port))];
  return {
    handle,
    contract: "/c.yml",
    argv,
    cwd: "/",
    env: {},
    port,
    containerPort: port,
    ...LIFE,
    ready: { ...LIFE.ready, timeout, start_interval: "10ms" },
    stop: { signal: "SIGKILL", grace: "1s" },
  };
}

const SERVES = 'Bun.listen({ hostname: "127.0.0.1", port: PORT, socket: { data() {} } })';
const DEAF = "setInterval(() => undefined, 1000)";
const DIES = 'console.log("last words"); process.exitCode = 3';

interface World {
  said: string[];
  run: (specs: NativeSpec[], more?: { isBystander?: boolean; keepsLogs?: boolean; timeoutMs?: number }) => Promise<unknown>;
}

function makeWorld(): World {
  const stateDirectory = join(makeFolder(), "state");
  const said: string[] = [];
  const run: World["run"] = (specs, more = {}) =>
    startNatives({
      specs,
      stateDirectory,
      environment: process.env,
      timeoutMs: more.timeoutMs,
      signal: new AbortController().signal,
      keepsLogs: more.keepsLogs ?? false,
      isBystander: () => more.isBystander ?? false,
      progress: {
        isQuiet: false,
        say: (subject, what) => void said.push(`${subject}: ${what.replace(/[\d.]+/g, "N")}`),
        warn: (text) => void said.push(text),
      },
      onStarted: (handle) => void started.push({ handle, stateDirectory }),
      onMadeWay: () => undefined,
    }).then(
      () => "ready",
      (error: unknown) => error,
    );
  return { said, run };
}

describe("startNatives", () => {
  test("starts each and waits for it; a second time it only waits", async () => {
    const world = makeWorld();
    const specs = [await spec("a", SERVES), await spec("b", SERVES)];
    expect(await world.run(specs)).toBe("ready");
    expect(world.said.sort()).toEqual(["a: ready after N s", "a: starting as process N", "b: ready after N s", "b: starting as process N"]);
    world.said.length = 0;
    expect(await world.run(specs)).toBe("ready");
    expect(world.said).toEqual([]);
  });

  test("throws what the first one throws, and waits no longer for the others", async () => {
    const world = makeWorld();
    const failed = await world.run([await spec("a", DEAF, "60s"), await spec("b", DIES)]);
    expect(failed).toMatchObject({ exit: "failed", message: expect.stringContaining('Cannot start "b"'), details: ["last words"] });
  });

  test("points to the log only where it stays", async () => {
    const world = makeWorld();
    expect(await world.run([await spec("a", DIES)])).toMatchObject({ hint: "With --keep it stays for you to look at, log and all" });
    expect(await world.run([await spec("b", DIES)], { keepsLogs: true })).toMatchObject({
      hint: "The whole log: harbor logs b --tail all",
    });
  });

  test("only warns of one that another call started and that does not answer", async () => {
    const world = makeWorld();
    const deaf = await spec("a", DEAF);
    expect(await world.run([deaf], { timeoutMs: 100 })).toMatchObject({ exit: "timeout" });
    world.said.length = 0;
    expect(await world.run([deaf], { isBystander: true })).toBe("ready");
    expect(world.said).toEqual(["a runs, but does not answer; `harbor logs a` may say why"]);
  });
});
