/** What keeps native services running, as a person meets it: stop, restart, what is shown meanwhile, and the supervisor's own command. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDead } from "../../routines/_script/process-identity.ts";
import { readTable } from "../../routines/native/session-members.ts";
import { restartServices } from "../../routines/supervisor/restart-services.ts";
import { freePort } from "../_ports.ts";
import { until } from "../_until.ts";
import { listenOn } from "../routines/supervisor/_home.ts";
import { echoService, isRunning, type PsRow, readUntil, Sandbox } from "./_sandbox.ts";

interface SupervisedRow extends PsRow {
  health: string;
  supervised?: { state: string; why: string; since: string; restarts: number };
}

let box: Sandbox;

const contract = (lines: string, script: string): string =>
  `x-harbor-native:\n  executable: sh\n  daemon_args: ["-c", ${JSON.stringify(script)}]\n  restart: { backoff: 20ms..20ms }\n${lines}`;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", freePort()),
    ...echoService("slow-echo", freePort(), "  restart: { backoff: 50ms..50ms, max: 100 }\n"),
    "base/base_native.yml": contract(
      "  ready: { exec: [test, -e, go], start_interval: 10ms, timeout: 60s }\n",
      "echo base is up; exec sleep 600",
    ),
    "top/top_native.yml": contract("  depends_on: { base: { condition: service_healthy } }\n", "echo top is up; exec sleep 600"),
    "deaf/deaf_native.yml": contract("  stop: { grace: 3s }\n", "trap '' TERM; while :; do sleep 1; done"),
    "moody/moody_native.yml": contract(
      "  ready: { exec: [test, '!', -e, sick], interval: 20ms, failures: 1, start_interval: 10ms, timeout: 300ms }\n",
      "exec sleep 600",
    ),
  });
});

afterEach(async () => {
  for (const name of ["base/go", "moody/sick"]) rmSync(file(name), { force: true });
  await box.run(["down"]);
  expect(existsSync(box.state)).toBe(false);
});
afterAll(() => box.remove());

const file = (name: string): string => join(box.home, "services", name);
const rows = async (): Promise<Record<string, SupervisedRow>> =>
  Object.fromEntries(((await box.ps()) as SupervisedRow[]).map((row) => [row.handle, row]));
const supervisorPid = (): number => (JSON.parse(readFileSync(join(box.state, "supervisor.json"), "utf8")) as { pid: number }).pid;

describe("harbor stop", () => {
  test("ends a service and leaves it part of the stack, log and all; up starts it again", async () => {
    await box.run(["up", "-x", "echo", "-x", "mock-openai"]);
    const before = await rows();
    expect(await box.run(["stop", "echo"])).toMatchObject({ exit: 0, stdout: "echo: stopped\n" });
    expect(isRunning(before.echo?.pid ?? 0)).toBe(false);
    const { stdout } = await box.run(["ps"]);
    expect(stdout).toMatch(/^echo +native +stopped +- +- +-$/m);
    expect((await box.run(["logs", "echo"])).stdout).toBe("echo listens\n");
    const now = await rows();
    expect(now.echo?.supervised).toMatchObject({ state: "stopped", why: "it was asked to stop" });
    expect(now["mock-openai"]?.pid).toBe(before["mock-openai"]?.pid ?? 0);
    const { exit, stderr } = await box.run(["up"]);
    expect([exit, stderr]).toEqual([0, expect.stringMatching(/^echo: starting as process \d+\necho: ready/)]);
  });

  test("without names ends all that run; a name that is none is told", async () => {
    await box.run(["up", "-x", "echo", "-x", "mock-openai"]);
    expect((await box.run(["stop"])).stdout).toBe("echo: stopped\nmock-openai: stopped\n");
    expect(Object.values(await rows()).map((row) => row.state)).toEqual(["stopped", "stopped"]);
    expect(await box.run(["stop"])).toMatchObject({ exit: 0, stdout: "", stderr: "harbor: nothing runs that could be stopped\n" });
    expect(await box.run(["stop", "ech"])).toMatchObject({ exit: 4, stderr: expect.stringContaining('did you mean "echo"') });
  });
});

describe("harbor restart", () => {
  test("starts a service anew as it was started, and that alone", async () => {
    await box.run(["up", "-x", "echo", "-x", "mock-openai"], { env: { HARBOR_ECHO_LEVEL: "from-shell" } });
    const before = await rows();
    const { exit, stdout, stderr } = await box.run(["restart", "echo"]);
    expect([exit, stdout, stderr.trim().split("\n").at(-1)]).toEqual([0, "echo: restarted\n", "echo: ready"]);
    const now = await rows();
    expect(now.echo?.pid).not.toBe(before.echo?.pid ?? 0);
    expect(now["mock-openai"]?.pid).toBe(before["mock-openai"]?.pid ?? 0);
    const environment = (await (await fetch(now.echo?.urls[0] ?? "")).json()) as Record<string, string>;
    expect(environment.ECHO_LEVEL).toBe("from-shell");
  });

  test("of one that still waits for another neither wedges it nor starts a second copy", async () => {
    const up = box.start(["up", "-x", "base", "-x", "top"]);
    await readUntil(up.stderr, /top: waits for "base" to be ready/);
    const asked = Promise.withResolvers<void>();
    const signal = new AbortController().signal;
    const restart = restartServices({ home: box.home, env: box.env, handles: ["top"], signal, onReport: () => asked.resolve() });
    await asked.promise;
    expect((await rows()).top?.state).toBe("pending");
    writeFileSync(file("base/go"), "");
    expect([await up.exited, (await restart).map((it) => it.state)]).toEqual([0, ["ready"]]);
    expect((await rows()).top?.supervised).toMatchObject({ state: "ready", restarts: 0 });
    expect((await box.run(["logs", "top"])).stdout).toBe("top is up\n");
  });
});

describe("a contract that is edited while its service runs", () => {
  const write = (more: string): void => box.services({ "fixed/fixed_native.yml": contract(more, "exec sleep 600") });

  test("has another policy or probe applied as it goes, and anything else by a restart of that service alone", async () => {
    write("");
    await box.run(["up", "-x", "fixed", "-x", "echo"]);
    const before = await rows();
    write("  live: { exec: ['true'] }\n  stop: { grace: 1s }\n");
    expect((await box.run(["up"])).stderr).toBe("fixed: goes on with another liveness probe, stop signal or grace\n");
    expect((await rows()).fixed?.pid).toBe(before.fixed?.pid ?? 0);
    write("  env: { TOKEN: a-secret }\n");
    const { exit, stderr } = await box.run(["up"]);
    expect([exit, stderr]).toEqual([
      0,
      expect.stringMatching(/^fixed: its configuration has changed \((liveness probe|variable TOKEN|[a-z ,]+)+\): starting it anew\n/),
    ]);
    expect(stderr).toContain("variable TOKEN added");
    expect(stderr).not.toContain("a-secret");
    const now = await rows();
    expect([now.fixed?.pid === before.fixed?.pid, now.echo?.pid === before.echo?.pid]).toEqual([false, true]);
  });
});

describe("harbor up of what is not well", () => {
  test("does not wait for ever for one that ran and no longer answers: it says what is seen, and leaves it running", async () => {
    expect((await box.run(["up", "-x", "moody"])).exit).toBe(0);
    const pid = await box.pidOf("moody");
    writeFileSync(file("moody/sick"), "");
    await until(async () => (await rows()).moody?.health === "unhealthy", "it is unhealthy");
    const { exit, stderr } = await box.run(["up", "moody"]);
    expect([exit, stderr]).toEqual([
      5,
      expect.stringContaining('Cannot start "moody": not ready within 0.3 s; probe test ended with exit code 1'),
    ]);
    expect(await box.pidOf("moody")).toBe(pid);
  });
});

describe("harbor stop that is interrupted", () => {
  test("waits no longer, and says so; the service ends all the same", async () => {
    await box.run(["up", "-x", "deaf"]);
    const pid = await box.pidOf("deaf");
    const stopping = box.start(["stop", "deaf"]);
    await until(async () => (await rows()).deaf?.supervised?.state === "stopping", "it is asked to stop");
    stopping.kill("SIGINT");
    expect(await stopping.exited).toBe(130);
    expect(await stopping.stderr.text()).toContain("interrupted");
    expect(isRunning(pid)).toBe(true);
    await until(() => !isRunning(pid), "its grace is over");
  });
});

describe("harbor attach", () => {
  test("prints what the service prints and says what becomes of it, until the service is stopped", async () => {
    await box.run(["up", "-x", "echo"]);
    const pid = await box.pidOf("echo");
    const attached = box.start(["attach", "echo"]);
    const back = readUntil(attached.stderr, /echo: starting \(restart 1\)[\s\S]*echo: ready/);
    await readUntil(attached.stdout, /echo listens/);
    process.kill(pid, "SIGKILL");
    await back;
    await box.run(["stop", "echo"]);
    expect(await attached.exited).toBe(1);
  });

  test.each([
    ["ech", 4, 'Cannot find service "ech"; did you mean "echo"?'],
    ["echo", 4, 'Cannot follow "echo": it is not up'],
    ["../x", 2, 'Cannot use "../x" as a service'],
  ])("of %j ends with %d", async (handle, code, message) => {
    const { exit, stdout, stderr } = await box.run(["attach", handle]);
    expect({ exit, stdout }).toEqual({ exit: code, stdout: "" });
    expect(stderr).toStartWith(`harbor: ${message}`);
  });
});

describe("harbor supervisor", () => {
  test("status says who it is, and that there is none", async () => {
    expect(await box.run(["supervisor", "status"])).toEqual({
      exit: 0,
      stdout: "",
      stderr: "harbor: no supervisor runs; one starts with the first native service\n",
    });
    expect((await box.run(["supervisor", "status", "--json"])).stdout).toBe("null\n");
    await box.run(["up", "-x", "echo"]);
    const hello = await box.json<Record<string, unknown>>(["supervisor", "status"]);
    expect(hello).toMatchObject({ pid: supervisorPid(), home: box.home, services: 1, troubles: [] });
    expect((await box.run(["supervisor", "status"])).stdout).toStartWith(`${box.home}\tpid ${supervisorPid()}, version `);
  });

  test("stop ends it alone, and the next command that asks starts another; restart does both", async () => {
    await box.run(["up", "-x", "echo"]);
    const [pid, first] = [await box.pidOf("echo"), supervisorPid()];
    const { exit, stderr } = await box.run(["supervisor", "stop"]);
    expect([exit, stderr]).toEqual([0, expect.stringContaining("native services go on")]);
    expect([isRunning(first), isRunning(pid)]).toEqual([false, true]);
    expect((await rows()).echo).toMatchObject({ pid, health: "healthy" });
    const second = supervisorPid();
    expect((await box.run(["supervisor", "restart"])).exit).toBe(0);
    expect([isRunning(second), supervisorPid() === second, (await rows()).echo?.pid]).toEqual([false, false, pid]);
  });

  test("stop --all ends every native service with it; they are stopped, not forgotten", async () => {
    await box.run(["up", "-x", "echo", "-x", "mock-openai"]);
    const pids = [await box.pidOf("echo"), await box.pidOf("mock-openai"), supervisorPid()];
    const { wasRunning, stopped } = await box.json<{ wasRunning: boolean; stopped: string[] }>(["supervisor", "stop", "--all"]);
    expect([wasRunning, stopped.sort()]).toEqual([true, ["echo", "mock-openai"]]);
    expect(pids.map(isRunning)).toEqual([false, false, false]);
    expect(Object.values(await rows()).map((row) => row.state)).toEqual(["stopped", "stopped"]);
    expect((await box.json<unknown[]>(["up", "--no-defaults"])).length).toBe(2);
  });

  test("refuses an action that there is not", async () => {
    expect(await box.run(["supervisor", "dance"])).toEqual({
      exit: 2,
      stdout: "",
      stderr: "harbor: Cannot dance the supervisor: there is no such action\n  Use status, stop or restart\n",
    });
  });
});

describe("somebody who is killed", () => {
  test("the supervisor, in the middle of an up: it succeeds all the same, with one process", async () => {
    const up = box.start(["up", "-x", "base"]);
    await readUntil(up.stderr, /base: starting as process/);
    process.kill(supervisorPid(), "SIGKILL");
    writeFileSync(file("base/go"), "");
    expect(await up.exited).toBe(0);
    expect((await rows()).base?.supervised).toMatchObject({ state: "ready" });
    expect((await box.run(["logs", "base"])).stdout).toBe("base is up\n");
  });

  test("`harbor up` itself: what it had started goes on, and down takes it away", async () => {
    const up = box.start(["up", "-x", "echo"]);
    const [, pid] = await readUntil(up.stderr, /echo: starting as process (\d+)/);
    up.kill("SIGKILL");
    await up.exited;
    await until(async () => (await rows()).echo?.health === "healthy", "it is ready");
    expect(await box.pidOf("echo")).toBe(Number(pid));
  });
});

test("a child that outlives its leader, which ends when it is asked to, goes with it: down ends with 0", async () => {
  const child = "trap '' TERM; echo child is up; sleep 600; sleep 600";
  box.services({
    "parent/parent_native.yml": contract("  stop: { grace: 200ms }\n", `trap 'exit 0' TERM; sh -c "${child}" & wait; wait`),
  });
  await box.run(["up", "-x", "parent"]);
  await until(async () => (await box.run(["logs", "parent"])).stdout === "child is up\n", "its child");
  const pid = await box.pidOf("parent");
  const session = (): number => readTable().entries.filter((it) => it.session === pid && !isDead(it)).length;
  expect(session()).toBe(3);
  expect(await box.run(["down"])).toMatchObject({ exit: 0, stdout: "parent: killed after its grace\n" });
  expect(session()).toBe(0);
});

test("a crashed service whose port another program has taken is shown to wait for it, and comes back", async () => {
  await box.run(["up", "-x", "slow-echo"]);
  const { "slow-echo": row } = await rows();
  const port = Number(row?.urls[0]?.split(":").at(-1));
  process.kill(row?.pid ?? 0, "SIGKILL");
  {
    using _taken = await until(() => listenOn(port), "its port is free");
    // between two looks it may be trying again
    const words = `slow-echo is backing-off: port ${port} is taken by pid ${process.pid} (`;
    await until(async () => (await box.run(["ps"])).stdout.includes(words), "it says so");
  }
  await until(async () => (await rows())["slow-echo"]?.health === "healthy", "it is back");
});

test("a crashed service is back by itself, and ps says what happened", async () => {
  await box.run(["up", "-x", "echo"]);
  const pid = await box.pidOf("echo");
  process.kill(pid, "SIGSEGV");
  const row = await until(async () => {
    const { echo } = await rows();
    return echo?.pid !== null && echo?.pid !== pid && echo?.health === "healthy" && echo;
  }, "it is back");
  expect(row.supervised).toMatchObject({ state: "ready", restarts: 1 });
});
