/** What goes wrong while a native stack starts, and two commands at once: nothing is left half-done. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { checkout, echoService, isRunning, readUntil, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  const ports = Array.from({ length: 4 }, freePort);
  box.services({
    ...echoService("echo", ports[0] ?? 0),
    "deaf/deaf_native.yml": `x-harbor-native:
  executable: sh
  daemon_args: ["-c", "echo warming up; sleep 600 & wait"]
  port: ${ports[1]}
  env: { DEAF_DATA: "\${HARBOR_DATA}/deaf/x" }
  ready: { tcp: true, timeout: 60s, start_interval: 20ms }
`,
    "dies/dies_native.yml": `x-harbor-native:
  executable: sh
  daemon_args: ["-c", "echo one; echo two >&2; exit 7"]
  port: ${ports[2]}
  ready: { tcp: true, timeout: 60s }
`,
  });
});

afterAll(() => box.remove());

const pidIn = (stderr: string): number => Number(/starting as process (\d+)/.exec(stderr)?.[1]);

describe("harbor up that fails", () => {
  test("ends with 5 when a service is not ready in time, shows its log and stops it again", async () => {
    const { exit, stdout, stderr } = await box.run(["up", "-x", "deaf", "--wait-timeout", "300ms"]);
    expect({ exit, stdout }).toEqual({ exit: 5, stdout: "" });
    expect(stderr.split("\n").slice(1)).toEqual([
      "harbor: stopping what was started",
      expect.stringMatching(/^harbor: Cannot start "deaf": not ready within 0\.3 s; port \d+: /),
      "  warming up",
      "  With --keep it stays for you to look at, log and all",
      "",
    ]);
    expect(isRunning(pidIn(stderr))).toBe(false);
    expect(existsSync(box.state)).toBe(false);
    expect(existsSync(join(box.home, "data"))).toBe(false);
  });

  test("ends with 1 when a process ends by itself, with its last lines; what ran before goes on", async () => {
    await box.run(["up", "-x", "echo"]);
    const pid = await box.pidOf("echo");
    const { exit, stderr } = await box.run(["up", "-x", "dies"]);
    expect(exit).toBe(1);
    expect(stderr).toContain('harbor: Cannot start "dies": its process ended with exit code 7 before it was ready\n  one\n  two\n');
    expect((await box.ps()).map((row) => [row.handle, row.pid])).toEqual([["echo", pid]]);
    expect(box.left().filter((name) => name.includes("dies"))).toEqual([]);
    await box.run(["down"]);
  });

  test("stops the others it started when one fails", async () => {
    const { exit, stderr } = await box.run(["up", "-x", "echo,dies"]);
    expect(exit).toBe(1);
    expect(stderr).toContain("dies");
    expect(await box.ps()).toEqual([]);
    expect(existsSync(box.state)).toBe(false);
  });

  test("--keep leaves it to look at, and down takes it away", async () => {
    const { exit, stderr } = await box.run(["up", "-x", "dies", "--keep"]);
    expect(exit).toBe(1);
    const [, whole = ""] = /The whole log: harbor (.*)/.exec(stderr) ?? [];
    expect((await box.run(whole.split(" "))).stdout).toBe("one\ntwo\n");
    expect((await box.run(["ps"])).stdout).toMatch(/^dies +native +failed +- +- +-$/m);
    expect((await box.run(["logs", "dies"])).stdout).toBe("one\ntwo\n");
    expect((await box.run(["down"])).stdout).toBe("dies: stopped\n");
    expect(existsSync(box.state)).toBe(false);
  });

  test("what another call started and does not answer is told, and fails nothing", async () => {
    expect((await box.run(["up", "-x", "deaf", "--keep", "--wait-timeout", "100ms"])).exit).toBe(5);
    const { exit, stderr } = await box.run(["up", "-x", "echo"]);
    expect(exit).toBe(0);
    expect(stderr).toContain("harbor: warning: deaf runs, but does not answer; `harbor logs deaf` may say why\n");
    expect((await box.ps()).map((row) => row.handle)).toEqual(["deaf", "echo"]);
    await box.run(["down"]);
  });
});

describe("Ctrl-C", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("%s during a slow start ends with 130 and leaves nothing", async (signal) => {
    const child = box.start(["up", "-x", "deaf"]);
    const [, pid] = await readUntil(child.stderr, /starting as process (\d+)\n/);
    child.kill(signal);
    expect(await child.exited).toBe(130);
    expect(await child.stdout.text()).toBe("");
    expect(isRunning(Number(pid))).toBe(false);
    expect(existsSync(box.state)).toBe(false);
  });

  test("ends one that waits for another, which goes on", async () => {
    const first = box.start(["up", "-x", "deaf"]);
    await readUntil(first.stderr, /starting as process/);
    const second = await box.run(["up", "--wait-timeout", "100ms"]);
    expect(second.exit).toBe(5);
    expect(second.stderr).toMatch(new RegExp(`^harbor: Cannot lock "${box.state}/lock": pid ${first.pid} \\(harbor up\\) holds it since `));
    const third = box.start(["up"]);
    third.kill("SIGINT");
    expect([130, null]).toContain(third.exitCode ?? ((await third.exited) === 130 ? 130 : null));
    first.kill("SIGINT");
    await first.exited;
    expect(existsSync(box.state)).toBe(false);
  });
});

describe("two commands at once", () => {
  test("two ups start one process", async () => {
    const [a, b] = await Promise.all([box.json<{ pid: number }[]>(["up"]), box.json<{ pid: number }[]>(["up"])]);
    expect(a.map((row) => row.pid)).toEqual(b.map((row) => row.pid));
    expect(a).toHaveLength(1);
  });

  test("up and down both succeed, whoever comes first, and another down leaves nothing", async () => {
    for (const words of [["up"], ["up", "-x", "echo"], ["up"]]) {
      const results = await Promise.all([box.run(words), box.run(["down"])]);
      expect(results.map(({ exit, stderr }) => ({ exit, bug: stderr.includes("unexpected") }))).toEqual([
        { exit: 0, bug: false },
        { exit: 0, bug: false },
      ]);
    }
    const pids = (await box.ps()).map((row) => row.pid ?? 0);
    await box.run(["down"]);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(box.state)).toBe(false);
  });
});

describe("a process whose configuration has changed", () => {
  const handles = async () => (await box.ps()).map((row) => [row.handle, row.state]);

  beforeAll(() => {
    box.services({
      ...echoService("echo", freePort()),
      "fickle/fickle_native.yml": `x-harbor-native:
  executable: bun
  daemon_args: ["-e", "if (process.env.MOOD === 'bad') process.exit(3); Bun.serve({ hostname: '127.0.0.1', port: Number(process.env.PORT), fetch: () => new Response() })"]
  port: "\${HARBOR_FICKLE_HOST_PORT:-${freePort()}}"
  env: { PORT: "\${HARBOR_FICKLE_HOST_PORT:-}", MOOD: "\${HARBOR_FICKLE_MOOD:-good}" }
  ready: { http: /, timeout: 20s, start_interval: 20ms }
`,
    });
  });
  afterAll(() => box.run(["down"]));

  const port = String(freePort());
  const env = { HARBOR_FICKLE_HOST_PORT: port };

  test("goes on where its new port is taken, as do the others", async () => {
    expect((await box.run(["up", "-x", "fickle", "-x", "echo"], { env })).exit).toBe(0);
    const before = (await box.ps()).map((row) => row.pid);
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const moved = { HARBOR_FICKLE_HOST_PORT: String(taken.port), HARBOR_ECHO_LEVEL: "changed" };
    const { exit, stderr } = await box.run(["up", "-x", "fickle"], { env: moved });
    expect(exit).toBe(1);
    expect(stderr).toStartWith(`harbor: Cannot start "fickle": port ${taken.port} is taken by pid ${process.pid}`);
    expect((await box.ps()).map((row) => row.pid)).toEqual(before);
  });

  test("goes on where a container is asked for as well, and no engine answers", async () => {
    const before = (await box.ps()).map((row) => row.pid);
    const changed = { ...env, HARBOR_ECHO_LEVEL: "changed", DOCKER_HOST: "unix:///nonexistent/engine.sock" };
    expect((await box.run(["up", "webui"], { env: changed })).exit).toBe(3);
    expect((await box.ps()).map((row) => row.pid)).toEqual(before);
  });

  test("is told to be down where it ends at once, and is started again by the next up", async () => {
    const { exit, stderr } = await box.run(["up", "echo"], { env: { ...env, HARBOR_FICKLE_MOOD: "bad" } });
    expect(exit).toBe(1);
    expect(stderr).toContain("harbor: warning: No longer up: fickle; the next `harbor up` starts it again\n");
    expect(await handles()).toEqual([
      ["echo", "running"],
      ["fickle", "stopped"],
    ]);
    expect((await box.run(["up", "echo"], { env })).stderr).toMatch(/^fickle: starting as process \d+\nfickle: ready .*\n$/);
    expect(await handles()).toEqual([
      ["echo", "running"],
      ["fickle", "running"],
    ]);
  });
});

describe("a working directory that is gone", () => {
  test("does not keep a stack from being stopped", async () => {
    const cwd = join(box.root, "gone");
    mkdirSync(cwd);
    const harbor = [process.execPath, "--no-env-file", join(checkout, "harbor.ts")];
    const script = `rmdir "$PWD"; "$@" up && "$@" ls --up && "$@" down`;
    const child = Bun.spawn(["sh", "-c", script, "sh", ...harbor], { cwd, env: box.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const { exit, stdout } = await resultOf(child);
    expect(exit).toBe(0);
    expect(stdout).toContain("mock-openai  up");
    expect(stdout).toEndWith("mock-openai: stopped\n");
  });
});

describe("a result that cannot be written", () => {
  const inShell = (line: string) =>
    resultOf(
      Bun.spawn(["sh", "-c", line, join(checkout, "bin/harbor")], { env: box.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" }),
    );

  test.skipIf(!existsSync("/dev/full")).each(["ls", "help", "", "config", "up --help"])(
    "of harbor %s is no bug of Harbor's (needs /dev/full)",
    async (words) => {
      const { exit, stderr } = await inShell(`"$0" ${words} >/dev/full`);
      expect({ exit, stderr }).toEqual({ exit: 1, stderr: "harbor: Cannot write the result: no space is left on the device\n" });
    },
  );

  test.skipIf(!existsSync("/dev/full"))("and what is only said fails nothing (needs /dev/full)", async () => {
    expect((await inShell('"$0" config set project written 2>/dev/full')).exit).toBe(0);
    expect((await inShell('"$0" config get no.such.key 2>/dev/full')).exit).toBe(4);
    expect((await inShell('"$0" config unset project 2>/dev/full')).exit).toBe(0);
    expect(await Bun.file(join(box.home, "config.env")).text()).toBe("");
  });
});

describe("a home that cannot be written", () => {
  test("plan works all the same; up says which folder", async () => {
    box.write({ file: "" });
    const env = { HARBOR_HOME: join(box.root, "file/home") };
    expect((await box.run(["plan", "webui"], { env })).exit).toBe(0);
    const { exit, stdout, stderr } = await box.run(["up"], { env });
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toContain(`${env.HARBOR_HOME}/state`);
    expect(stderr).not.toContain("unexpected");
  });
});
