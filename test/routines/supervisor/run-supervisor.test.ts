/** The supervisor as a process: one per home, which leaves what runs running, whatever ends it, and takes over what it finds. */
import { describe, expect, test } from "bun:test";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { isAlive, readProcess } from "../../../routines/_script/process-identity.ts";
import { readRecord, removeRecord } from "../../../routines/native/process-record.ts";
import { createApi } from "../../../routines/supervisor/_api.ts";
import { readService, type StoredService, writeService } from "../../../routines/supervisor/_store.ts";
import { Supervisor } from "../../../routines/supervisor/_supervisor.ts";
import { SupervisorClient } from "../../../routines/supervisor/connect-supervisor.ts";
import type { Hello, ServiceReport } from "../../../routines/supervisor/report.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { listenOn, serverLines, type TestHome, useHomes } from "./_home.ts";

const newHome = useHomes();

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const QUICK = "restart: { backoff: 20ms..20ms }";

/** What is known of a service, changed on disk while no supervisor runs. */
async function change(home: TestHome, handle: string, difference: Partial<StoredService>): Promise<void> {
  await home.kill();
  const stored = readService(home.state, handle);
  if (stored === undefined) throw new Error(`nothing is known of ${handle}`);
  writeService(home.state, { ...stored, ...difference });
}

describe("one supervisor", () => {
  test("is for its owner alone, and detached from who started it", async () => {
    const home = newHome();
    await home.start([home.service("a", "", "exec sleep 60")]);
    const { pid, socket } = home.supervisor;
    expect([mode(home.state), mode(socket), mode(join(home.state, "supervisor.json"))]).toEqual(["700", "600", "600"]);
    expect(readProcess(pid)).toMatchObject({ session: pid, group: pid });
    expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toContain("HARBOR_TEST_OWNER");
  });

  test("is all that many commands start at once", async () => {
    const home = newHome();
    const clients = Array.from({ length: 6 }, () => new SupervisorClient({ home: home.home, env: home.env }));
    const spec = home.service("a", "", "echo up; exec sleep 60");
    const pids = await Promise.all([
      ...clients.map(async (it) => (await it.hello()).pid),
      home.start([spec]).then(() => home.supervisor.pid),
    ]);
    expect(new Set(pids).size).toBe(1);
    await until(() => home.supervisors().length === 1, "the others leave");
  });

  test("leaves where its home was removed under it: nobody would find it any more", async () => {
    const home = newHome();
    await home.start([home.service("a", "", "exec sleep 60")]);
    const { pid } = home.supervisor;
    const service = await home.pid("a");
    rmSync(home.state, { recursive: true });
    await until(() => readProcess(pid) === undefined, "its end", 4_500);
    process.kill(service, "SIGKILL");
    await until(() => readProcess(service) === undefined, "the end of what went on");
  });

  test("starts one process where several ask for the same service at once", async () => {
    const home = newHome();
    const spec = home.service("a", serverLines());
    const all = await Promise.all(Array.from({ length: 5 }, () => home.start([spec])));
    expect(all.flatMap((it) => it.accepted).filter((it) => !it.wasUp)).toHaveLength(1);
    expect(new Set(all.map((it) => it.last.a?.pid)).size).toBe(1);
    expect([home.processes().length, (await home.report("a")).run]).toEqual([1, 1]);
  });

  test("ends by itself once nothing is left to do, and knows afterwards what it knew", async () => {
    const home = newHome();
    await home.start([home.service("a", "restart: { policy: 'no' }", "exit 3")]);
    const { pid } = home.supervisor;
    await until(() => readProcess(pid) === undefined, "it leaves");
    expect(await home.report("a")).toMatchObject({ state: "failed", why: "its process ended with exit code 3" });
  });

  test("leaves at once when it is asked to, though others wait; what runs goes on, and who waits is answered by the next", async () => {
    const home = newHome();
    const slow = home.service("slow", `ready: { exec: [test, -e, go], start_interval: 10ms }`, "exec sleep 60");
    const starting = home.start([slow]);
    await until(() => home.processes().length === 1, "its process");
    const { pid } = home.supervisor;
    const process_ = await home.pid("slow");
    const startMs = performance.now();
    await home.client.leave();
    expect([readProcess(pid), performance.now() - startMs < 1_000]).toEqual([undefined, true]);
    writeFileSync(home.file("slow", "go"), "");
    expect((await starting).last.slow).toMatchObject({ state: "ready", pid: process_ });
    expect(home.supervisor.pid).not.toBe(pid);
  });

  test.skipIf(process.env.HARBOR_TEST_LONG === undefined)(
    "(HARBOR_TEST_LONG=1, for its 12 s) answers who waits for longer than bun lets a request be quiet, in one answer",
    async () => {
      const home = newHome();
      const slow = home.service(
        "slow",
        "ready: { exec: [test, -e, go], start_interval: 10ms, timeout: 60s }",
        "sleep 12; touch go; exec sleep 60",
      );
      const { answers, last } = await home.start([slow]);
      expect([answers, last.slow?.state]).toEqual([1, "ready"]);
    },
    20_000,
  );

  test("is gone once it has left, whatever was under way: two never look after the same services", async () => {
    const home = newHome();
    await home.start([
      home.service("a", "ready: { exec: ['true'], interval: 1ms }\nlive: { exec: ['true'], interval: 1ms }", "exec sleep 60"),
    ]);
    for (let i = 0; i < 8; i++) {
      await home.client.hello();
      await home.client.leave();
      expect(home.supervisors()).toEqual([]);
    }
    expect(await home.report("a")).toMatchObject({ state: "ready", run: 1 });
  });

  test("that leaves does not wait for what it ends; the next one goes on with that", async () => {
    const home = newHome();
    const spec = home.service("a", "stop: { grace: 60s }", `trap "" TERM; while :; do sleep 0.01; done`);
    await home.start([spec]);
    const pid = await home.pid("a");
    const stopping = home.stop("a");
    await home.untilState("a", "stopping");
    const startMs = performance.now();
    await home.client.leave();
    expect(performance.now() - startMs).toBeLessThan(1_000);
    expect([(await home.report("a")).state, readProcess(pid)?.pid]).toEqual(["stopping", pid]);
    process.kill(pid, "SIGKILL");
    expect(await stopping).toMatchObject([{ handle: "a" }]);
  });

  test("that leaves does not wait for a pre_start; the next one has it run again", async () => {
    const home = newHome();
    const spec = home.service("a", "pre_start: { command: [sh, -c, 'echo before; exec sleep 60'] }", "exec sleep 60");
    const over = new AbortController();
    const starting = home.start([spec], { signal: over.signal });
    await home.untilLogged("a", "before");
    over.abort();
    await starting;
    await home.client.leave();
    expect([home.supervisors(), home.processes().length]).toEqual([[], 1]);
  });

  test("of another version makes way for one of this", async () => {
    const home = newHome();
    const routine = JSON.stringify(resolve(import.meta.dir, "../../../routines/supervisor/run-supervisor.ts"));
    const code = `const { runSupervisor } = await import(${routine});
      await runSupervisor({ home: process.env.HARBOR_HOME, version: "0.0.1-older", signal: new AbortController().signal, say: console.error });`;
    const old = Bun.spawn([process.execPath, "-e", code], { env: { ...home.env, HARBOR_HOME: home.home }, stdin: "ignore" });
    await until(() => home.supervisors().length > 0 && Bun.file(join(home.state, "supervisor.json")).exists(), "the older one");
    // who only looks takes the answer of whoever is there
    expect((await home.client.hello()).version).toBe("0.0.1-older");
    const spec = home.service("a", "", "exec sleep 60");
    await home.start([spec]);
    expect(await old.exited).toBe(0);
    const pid = await home.pid("a");
    const hello = await home.client.hello();
    expect([hello.version, hello.services]).not.toEqual(["0.0.1-older", 0]);
    // nobody was asked again for what runs already
    expect((await home.start([spec])).accepted).toMatchObject([{ wasUp: true, needsRestart: false }]);
    expect(await home.pid("a")).toBe(pid);
  });
});

test("who has hung up before the request was read leaves nobody waiting", async () => {
  const home = newHome();
  const supervisor = new Supervisor({
    stateDirectory: home.state,
    onTrouble: () => undefined,
    onChange: () => undefined,
    onQuiet: () => undefined,
  });
  const answer = createApi({ supervisor, hello: () => ({}) as Hello, leave: () => undefined });
  const request = new Request("http://harbor/v1/events", { signal: AbortSignal.abort() });
  expect([await (await answer(request)).text(), supervisor.isQuiet]).toEqual(["", true]);
  await supervisor.close();
});

describe("a supervisor that was killed", () => {
  test("between noting what is asked for and doing it has its process started anew by the next that is asked", async () => {
    const home = newHome();
    const spec = home.service("a", "env: { MOOD: good }", "exec sleep 60");
    await home.start([spec]);
    const pid = await home.pid("a");
    const sad = { ...spec, env: { ...spec.env, MOOD: "bad" } };
    await change(home, "a", { spec: sad });
    expect((await home.start([sad])).accepted).toMatchObject([{ needsRestart: true, changes: ["what its process was started from"] }]);
    expect(await home.pid("a")).not.toBe(pid);
    expect((await home.start([sad])).accepted).toMatchObject([{ needsRestart: false, changes: [] }]);
  });

  test("leaves its services running; the next one knows them, notices their end, and restarts them", async () => {
    const home = newHome();
    await home.start([home.service("a", serverLines(QUICK)), home.service("b", "", "exec sleep 60")]);
    const before = await home.client.services();
    await home.kill();
    expect(home.processes()).toHaveLength(2);
    const after = await home.client.services();
    const told = ({ handle, state, pid, run, restarts, startedAt }: ServiceReport) => ({ handle, state, pid, run, restarts, startedAt });
    expect(after.map(told)).toEqual(before.map(told));
    const pid = await home.pid("a");
    process.kill(pid, "SIGKILL");
    const report = await home.until("a", (it) => it.run === 2 && it.state === "ready", "its restart");
    expect([report.restarts, report.pid === pid, home.processes().length]).toEqual([1, false, 2]);
  });

  test("has a crash meanwhile made good by the next", async () => {
    const home = newHome();
    await home.start([home.service("a", serverLines(QUICK))]);
    const pid = await home.pid("a");
    await home.kill();
    process.kill(pid, "SIGKILL");
    await home.until("a", (it) => it.run === 2 && it.state === "ready", "its restart");
    expect(home.processes()).toHaveLength(1);
  });

  test.each([
    ["a program", "ready: { exec: [test, -e, go], start_interval: 10ms }"],
    ["a line of its log", "ready: { log: ready }"],
  ])("in the middle of a start has that go on: ready by %s", async (_, lines) => {
    const home = newHome();
    const spec = home.service("a", lines, "echo up; until [ -e go ]; do sleep 0.01; done; echo ready; exec sleep 60");
    const starting = home.start([spec]);
    await home.untilLogged("a", "up");
    const pid = await home.pid("a");
    await home.kill();
    writeFileSync(home.file("a", "go"), "");
    expect((await starting).last.a).toMatchObject({ state: "ready", pid, run: 1 });
  });

  test("has the line that says ready heard by the next, though it was in the log already", async () => {
    const home = newHome();
    await home.start([home.service("a", "ready: { log: ready }", "echo ready; exec sleep 60")]);
    const pid = await home.pid("a");
    await change(home, "a", { state: "starting", wasReady: false });
    expect(await home.untilState("a", "ready")).toMatchObject({ pid, run: 1 });
  });

  test("has a process that nobody noted ended, and started anew once", async () => {
    const home = newHome();
    await home.start([home.service("a", QUICK, "sleep 60 & exec sleep 60")]);
    await until(() => home.processes().length === 2, "its child");
    const before = home.processes();
    await change(home, "a", { state: "starting", wasReady: false });
    removeRecord(home.state, "a");
    await home.until("a", (it) => it.run === 2 && it.state === "ready", "its start");
    await until(() => home.processes().length === 2, "its child");
    expect(home.processes().filter((pid) => before.includes(pid))).toEqual([]);
  });

  test("in the middle of a pre_start has what that has started ended, and both run again", async () => {
    const home = newHome();
    const hook = "pre_start: { command: [sh, -c, 'echo before; test -e go || exec sleep 60'] }";
    const starting = home.start([home.service("a", hook, "echo main; exec sleep 60")]);
    await home.untilLogged("a", "before");
    const [left] = home.processes();
    writeFileSync(home.file("a", "go"), "");
    await home.kill();
    expect((await starting).last.a?.state).toBe("ready");
    await home.untilLogged("a", "main");
    expect(await home.log("a")).toEqual(["before", "before", "main"]);
    expect(home.processes()).not.toContain(left);
  });

  test("in the middle of a stop has that brought to its end, in order", async () => {
    const home = newHome();
    const script = (name: string): string =>
      `trap 'until [ -e ../go ]; do sleep 0.01; done; echo ${name} >>../ended; exit 0' TERM; while :; do sleep 0.01; done`;
    const specs = [
      home.service("base", "", script("base")),
      home.service("top", "depends_on: [base]\nready: { exec: ['true'] }", script("top")),
    ];
    await home.start(specs);
    const stopping = home.down();
    await home.until("top", (it) => it.state === "stopping", "it stops");
    await home.kill();
    await until(async () => (await home.client.services()).length === 2, "the next one");
    writeFileSync(join(home.root, "services/go"), "");
    expect((await stopping).map((it) => it.handle).sort()).toEqual(["base", "top"]);
    expect(readFileSync(join(home.root, "services/ended"), "utf8")).toBe("top\nbase\n");
  });

  test("while a service waits for another has both go on", async () => {
    const home = newHome();
    const base = home.service("base", "ready: { exec: [test, -e, go], start_interval: 10ms }", "exec sleep 60");
    const top = home.service("top", "depends_on: { base: { condition: service_healthy } }", "exec sleep 60");
    const starting = home.start([top, base]);
    // noted, not only there: else it is ended and started once more
    await until(() => readRecord(home.state, "base") !== undefined, "the first");
    await home.kill();
    writeFileSync(home.file("base", "go"), "");
    expect((await starting).last).toMatchObject({ top: { state: "ready", run: 1 }, base: { state: "ready", run: 1 } });
  });

  test("leaves nothing of its own behind once all is taken down", async () => {
    const home = newHome();
    await home.start([home.service("a", "", "exec sleep 60")]);
    await home.kill();
    // as one that is killed in the middle of writing leaves them
    const dead = Bun.spawnSync(["true"]).pid;
    const names = [`supervisor.json.${dead}.tmp`, `supervisor.lock.${dead}.01234567.tmp`, `health/a.${dead}.tmp`, "native/b/log"];
    for (const name of names) await Bun.write(join(home.state, name), "");
    await Bun.write(join(home.state, "supervisor.lock.01234567-89ab"), JSON.stringify({ pid: dead }));
    const own = join(home.state, `stack.json.${process.pid}.tmp`);
    await Bun.write(own, "");
    await home.down();
    // somebody lives who is about to rename it
    expect(readdirSync(home.state).sort()).toEqual(["native", basename(own)]);
    unlinkSync(own);
  });
});

describe("a service that cannot be listened to any more", () => {
  test("keeps neither the supervisor from starting nor others from being answered for", async () => {
    const home = newHome();
    const port = freePort();
    const variable = `"\${HARBOR_IDLE_HOST_PORT:-${port}}"`;
    const more = `env: { PORT: ${variable} }\nidle: { stop_after: 100ms }`;
    const idle = home.service("idle", serverLines(more).replace(/^port: .*$/m, `port: ${variable}`));
    await home.start([idle, home.service("a", "", "exec sleep 60")]);
    await home.until("idle", (it) => it.isAsleep, "it sleeps");
    await home.kill();
    {
      using _taken = await until(() => listenOn(port), "its port is free");
      expect((await home.report("a")).state).toBe("ready");
      expect((await home.client.hello()).troubles).toEqual([expect.stringContaining(`port ${port} is taken by pid ${process.pid}`)]);
      await home.down("a");
    }
  });
});

test("what ran when the machine was last started runs no more, and is not started by a look at it", async () => {
  const home = newHome();
  await home.start([home.service("a", "", "exec sleep 60")]);
  const record = readRecord(home.state, "a");
  if (record === undefined) throw new Error("no record");
  await home.kill();
  process.kill(record.pid, "SIGKILL");
  await until(() => !isAlive(record), "its end");
  const path = join(home.state, "native/a/service.json");
  writeFileSync(path, readFileSync(path, "utf8").replaceAll(record.bootId, "00000000-0000-0000-0000-000000000000"));
  expect(await home.report("a")).toMatchObject({ state: "stopped", why: "the machine was started anew since", pid: null });
  expect(home.processes()).toEqual([]);
  expect((await home.start([home.service("a", "", "exec sleep 60")])).last.a?.state).toBe("ready");
});

const isRoot = process.getuid?.() === 0;
const mount = Bun.which("mount");

describe("a disk that is full", () => {
  /** With its state on a small disk of its own, and something that fills that. */
  function small(home: TestHome): { fill: () => void; empty: () => void; [Symbol.dispose]: () => void } {
    mkdirSync(home.state, { recursive: true, mode: 0o700 });
    const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", home.state]);
    if (mounted.exitCode !== 0) throw new Error(`Cannot mount a tmpfs: ${mounted.stderr}`);
    const filler = join(home.state, "filler");
    const fill = (): void => {
      const file = openSync(filler, "a");
      try {
        while (true) writeSync(file, Buffer.alloc(4096));
      } catch {
        // no more room
      } finally {
        closeSync(file);
      }
    };
    let filling: Timer | undefined;
    const empty = (): void => {
      clearInterval(filling);
      rmSync(filler, { force: true });
    };
    return {
      // also what somebody else frees
      fill: () => {
        fill();
        filling = setInterval(fill, 1);
      },
      empty,
      [Symbol.dispose]: () => {
        empty();
        Bun.spawnSync(["umount", "-l", home.state]);
      },
    };
  }

  test.skipIf(!isRoot || mount === null)(
    "(needs root, for a small tmpfs) leaves all running, and is told; what crashes comes back once there is room",
    async () => {
      const home = newHome();
      using disk = small(home);
      await home.start([
        home.service("a", "restart: { backoff: 20ms..20ms, max: 1000 }", "exec sleep 60"),
        home.service("b", "", "while :; do echo line; sleep 0.01; done"),
      ]);
      const { pid } = home.supervisor;
      const before = await home.pid("b");
      disk.fill();
      process.kill(await home.pid("a"), "SIGKILL");
      await home.until("a", (it) => it.state === "backing-off" && it.why.includes("no space"), "it says why");
      const { troubles } = await home.client.hello();
      expect(troubles.join("\n")).toContain("no space");
      expect([home.supervisor.pid, await home.pid("b")]).toEqual([pid, before]);
      disk.empty();
      await home.until("a", (it) => it.state === "ready", "it is back");
      expect([home.supervisor.pid, await home.pid("b"), home.processes().length >= 2]).toEqual([pid, before, true]);
      await home.down();
    },
  );

  test.skipIf(!isRoot || mount === null)(
    "(needs root, for a small tmpfs) does not keep a service from being stopped for good",
    async () => {
      const home = newHome();
      using disk = small(home);
      await home.start([home.service("a", "", "exec sleep 60")]);
      disk.fill();
      expect(await home.stop("a")).toEqual([{ handle: "a", wasKilled: false }]);
      expect(home.processes()).toEqual([]);
      disk.empty();
      const path = join(home.state, "native/a/service.json");
      await until(() => readFileSync(path, "utf8").includes('"isWanted":false'), "it is noted");
      await home.kill();
      expect(await home.report("a")).toMatchObject({ state: "stopped", run: 1 });
      await home.down();
    },
  );
});
