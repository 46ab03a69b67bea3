/** The end of services: all that they started goes with them, in order, and nothing else does. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, readProcess } from "../../../routines/_script/process-identity.ts";
import { readRecord, writeRecord } from "../../../routines/native/process-record.ts";
import { stopServices } from "../../../routines/supervisor/stop-services.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { serverLines, type TestHome, useHomes } from "./_home.ts";

const newHome = useHomes();

/** A start whose process and children are all there, so many in all. */
async function start(home: TestHome, script: string, { count = 1, lines = "stop: { grace: 200ms }" } = {}): Promise<void> {
  await home.start([home.service("a", lines, `${script.replace("UP", "echo up")}`)]);
  await home.untilLogged("a", "up");
  await until(() => home.processes().length === count, `${count} processes`);
}

describe("a stop", () => {
  test("ends a process and its children by the contract's signal, and keeps its log and what is known of it", async () => {
    const home = newHome();
    await start(home, "trap 'echo asked; kill $!; exit 0' INT; sleep 60 & UP; wait", { count: 2, lines: "stop: { signal: SIGINT }" });
    expect(await home.stop("a")).toEqual([{ handle: "a", wasKilled: false }]);
    expect([home.processes(), await home.log("a")]).toEqual([[], ["up", "asked"]]);
    expect(await home.report("a")).toMatchObject({ state: "stopped", why: "it was asked to stop", pid: null, isWanted: false });
  });

  test("kills after the grace what ignores SIGTERM, and says so", async () => {
    const home = newHome();
    await start(home, "trap '' TERM; UP; sleep 60; sleep 60", { count: 2 });
    const startMs = performance.now();
    expect(await home.stop("a")).toEqual([{ handle: "a", wasKilled: true }]);
    expect(performance.now() - startMs).toBeGreaterThan(190);
    expect(home.processes()).toEqual([]);
  });

  test.each([
    [
      "a child that survives its leader, which ends on SIGTERM",
      4,
      "trap 'exit 0' TERM; sh -c \"trap '' TERM; echo up; sleep 60; sleep 60\" & while :; do sleep 0.01; done",
    ],
    ["a child in a group of its own", 2, "set -m; sleep 60 & UP; wait"],
    [
      "a child in a session of its own",
      2,
      `${process.execPath} -e 'Bun.spawn(["sleep", "60"], { detached: true }).unref()'; UP; exec sleep 60`,
    ],
    ["a child without the mark in a group of its own", 2, "set -m; env -u HARBOR_NATIVE sleep 60 & UP; wait"],
  ] as const)("ends %s", async (_, count, script) => {
    const home = newHome();
    await start(home, script, { count });
    expect((await home.down()).map((it) => it.handle)).toEqual(["a"]);
    expect([home.processes(), existsSync(join(home.state, "native/a"))]).toEqual([[], false]);
  });

  test("ends what a leader that crashed has left behind before it starts another", async () => {
    const home = newHome();
    await start(home, "sleep 60 & UP; wait", { count: 2, lines: "restart: { backoff: 10ms..10ms }" });
    const before = home.processes();
    process.kill(await home.pid("a"), "SIGKILL");
    await home.until("a", (it) => it.run === 2 && it.state === "ready", "its restart");
    await until(() => home.processes().length === 2, "the second child");
    expect(home.processes().filter((pid) => before.includes(pid))).toEqual([]);
  });

  test("several at once stop it once; what is stopped already is fine, as is one that was never started", async () => {
    const home = newHome();
    await start(home, "trap 'echo asked; exit 0' TERM; sleep 60 & UP; wait", { count: 2 });
    await Promise.all([home.stop("a"), home.stop("a"), home.stop("a")]);
    expect(await home.log("a")).toEqual(["up", "asked"]);
    expect(await home.stop("a")).toEqual([{ handle: "a", wasKilled: false }]);
    expect(await home.stop("never")).toEqual([]);
  });

  test("goes in reverse order: what depends on others first", async () => {
    const home = newHome();
    const ended = join(home.root, "ended");
    const script = (name: string): string => `trap 'sleep 0.05; echo ${name} >>"${ended}"; exit 0' TERM; while :; do sleep 0.01; done`;
    const after = (...names: string[]): string => `depends_on: [${names.join(", ")}]\nready: { exec: ['true'] }`;
    const specs = [
      home.service("base", "", script("base")),
      home.service("left", after("base"), script("left")),
      home.service("right", after("base"), script("right")),
      home.service("top", after("left", "right"), script("top")),
    ];
    await home.start(specs);
    await home.stop();
    const order = readFileSync(ended, "utf8").trim().split("\n");
    expect([order[0], order.slice(1, 3).sort(), order[3]]).toEqual(["top", ["left", "right"], "base"]);
  });

  test("of one that is never ready, or waits, is done at once", async () => {
    const home = newHome();
    const deaf = home.service("deaf", `port: ${freePort()}\nready: { timeout: 60s }`, "echo up; exec sleep 60");
    const waiting = home.service("waiting", "depends_on: { deaf: { condition: service_healthy } }", "exec sleep 60");
    const starting = home.start([deaf, waiting]);
    await home.untilLogged("deaf", "up");
    await home.stop();
    expect((await starting).last).toMatchObject({ deaf: { state: "stopped" }, waiting: { state: "stopped", run: 0 } });
  });

  test("does not end a service again that was stopped, however often it is asked whether it runs", async () => {
    const home = newHome();
    await start(home, "UP; exec sleep 60");
    await home.stop("a");
    await home.kill();
    expect(await home.report("a")).toMatchObject({ state: "stopped", run: 1 });
    expect(home.processes()).toEqual([]);
  });
});

describe("another process with the pid of one of ours", () => {
  test.each([
    ["start time", { startTime: "1" }],
    ["boot", { bootId: "00000000-0000-0000-0000-000000000000" }],
  ])("but another %s is never signalled, by nobody", async (_, difference) => {
    const home = newHome();
    const other = newHome();
    // a stranger, whose pid the record of `a` will name
    await other.start([other.service("b", "", "exec sleep 60")]);
    const stranger = await other.pid("b");
    await home.start([home.service("a", "restart: { policy: 'no' }", "exec sleep 60")]);
    const record = readRecord(home.state, "a");
    if (record === undefined) throw new Error("no record");
    await home.kill();
    process.kill(record.pid, "SIGKILL");
    await until(() => !isAlive(record), "the end of a");
    writeRecord(home.state, { ...record, pid: stranger, ...difference });
    expect(await home.untilState("a", "failed")).toMatchObject({ pid: null });
    await home.down();
    expect(readProcess(stranger)?.pid).toBe(stranger);
  });
});

describe("a service whose file cannot be read", () => {
  test.each(["", "{", "null", "{}"])("as it holds %j, is told with it, and keeps nobody from the others", async (text) => {
    const home = newHome();
    await start(home, "UP; exec sleep 60");
    await home.start([home.service("b", "", "exec sleep 60")]);
    await home.kill();
    const file = join(home.state, "native/a/service.json");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, text);
    const broken = { handle: "a", state: "failed", why: expect.stringMatching(/^what is known of it cannot be read: /) };
    expect(await home.client.services()).toMatchObject([broken, { handle: "b", state: "ready" }]);
    // nothing else tells whether that process is its own
    const again = home.start([home.service("a", "", "exec sleep 60")]).catch((error: unknown) => error);
    expect(await again).toMatchObject({ message: expect.stringContaining(`its process`) });
    const stop = (): Promise<unknown> =>
      stopServices({ home: home.home, env: home.env, handles: [], forget: true }).catch((error: unknown) => error);
    expect(await stop()).toMatchObject({
      message: expect.stringMatching(/^Cannot stop "a": /),
      hint: expect.stringContaining(`remove ${file}`),
    });
    expect([home.processes().length, await home.client.services()]).toMatchObject([1, [broken]]);
    await home.client.leave();
    writeFileSync(file, before);
  });

  test("is started anew once its process is gone", async () => {
    const home = newHome();
    await start(home, "UP; exec sleep 60");
    await home.kill();
    for (const pid of home.processes()) process.kill(pid, "SIGKILL");
    await until(() => home.processes().length === 0, "its end");
    writeFileSync(join(home.state, "native/a/service.json"), "");
    expect((await home.start([home.service("a", "", "exec sleep 60")])).last.a?.state).toBe("ready");
  });

  test("nor the record of its process: that is found by its mark, and started anew", async () => {
    const home = newHome();
    await home.start([home.service("a", "", "exec sleep 60"), home.service("b", "", "exec sleep 60")]);
    const pids = [await home.pid("a"), await home.pid("b")];
    await home.kill();
    writeFileSync(join(home.state, "native/a/process.json"), "{");
    await home.until("a", (it) => it.run === 2 && it.state === "ready", "it runs anew");
    // a shell is nobody's process in the moment in which it becomes the program
    await until(() => home.processes().length === 2, "one process of each");
    expect(await home.pid("b")).toBe(pids[1] ?? 0);
  });
});

test("a record that cannot be removed does not keep a stop from being over", async () => {
  const home = newHome();
  await home.start([home.service("a", "", "exec sleep 60")]);
  const record = join(home.state, "native/a/process.json");
  rmSync(record);
  mkdirSync(record);
  expect(await home.stop("a")).toEqual([{ handle: "a", wasKilled: false }]);
  expect(home.processes()).toEqual([]);
});

test("`forget` leaves nothing: neither process, nor log, nor supervisor", async () => {
  const home = newHome();
  await home.start([home.service("a", serverLines()), home.service("b", "", "exec sleep 60")]);
  await home.down("a");
  expect([existsSync(join(home.state, "native/a")), (await home.report("b")).state]).toEqual([false, "ready"]);
  await home.down();
  expect([existsSync(join(home.state, "native/b")), existsSync(join(home.state, "supervisor.log")), home.supervisors()]).toEqual([
    false,
    false,
    [],
  ]);
});
