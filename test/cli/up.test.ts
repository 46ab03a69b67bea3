/** A stack that is all native, from the first `harbor up` to `harbor down`, as a person sees it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { echoService, isRunning, readUntil, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let echoPort: number;
let otherPort: number;

beforeAll(async () => {
  box = await Sandbox.create();
  echoPort = freePort();
  otherPort = freePort();
  box.services({
    ...echoService("echo", echoPort, "  env_vars: [HARBOR_ECHO_NAMED]\n"),
    "echo/compose.echo.nvidia.yml":
      "services:\n  echo:\n    image: gpu:1\n    environment: { ECHO_GPU: on, ECHO_LEVEL: below }\n    devices: [/dev/x]\n",
    ...echoService("other", otherPort),
  });
});

afterAll(() => box.remove());

const environmentOf = async (port: number): Promise<Record<string, string>> =>
  (await (await fetch(`http://127.0.0.1:${port}/`)).json()) as Record<string, string>;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Names below a folder with their permissions, as `0700 state`. */
function modes(folder: string): string[] {
  // bun goes through links: behind this one are the routines
  const isLink = (name: string): boolean => name.includes("/modules/harbor");
  const names = ["", ...readdirSync(folder, { recursive: true }).map(String)].filter((name) => !isLink(name));
  return names.map((name) => `${(statSync(join(folder, name)).mode & 0o777).toString(8).padStart(4, "0")} ${name}`).sort();
}

describe("harbor up with nothing configured", () => {
  test("starts the mock model server natively and says where it is, what to ask it and what to do next", async () => {
    const { exit, stdout, stderr } = await box.run(["up"]);
    const url = `http://127.0.0.1:${box.port}`;
    expect(exit).toBe(0);
    expect(stdout.split("\n")).toEqual([
      `mock-openai  native  healthy  ${url}`,
      "",
      "Ask it something:",
      expect.stringContaining(`  curl ${url}/v1/chat/completions `),
      "",
      "Next, a real model and a chat page:",
      "  harbor up -x ollama webui",
      "",
      "`harbor ls` lists the services there are, `harbor down` stops everything.",
      "",
    ]);
    expect(stderr).toMatch(/^mock-openai: starting as process \d+\nmock-openai: ready after \d+\.\d s\n$/);
  });

  test.skipIf(Bun.which("curl") === null)("prints a curl line that works when pasted (needs curl on PATH)", async () => {
    const { stdout } = await box.run(["up"]);
    const line = stdout.split("\n").find((text) => text.includes("curl ")) ?? "";
    const child = Bun.spawn(["sh", "-c", line], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
    const answer = (await child.stdout.json()) as { choices: { message: { content: string } }[] };
    expect(answer.choices[0]?.message.content).toContain("Hello");
  });

  test("changes nothing when run again, and reports the same as ps --json", async () => {
    const before = await box.ps();
    const again = await box.json(["up"]);
    expect(again).toEqual(before);
    expect(before).toEqual([
      {
        handle: "mock-openai",
        runtime: "native",
        state: "running",
        health: "healthy",
        pid: expect.any(Number),
        container: null,
        ports: [`127.0.0.1:${box.port}`],
        urls: [`http://127.0.0.1:${box.port}`],
        since: expect.stringMatching(TIME),
        supervised: { state: "ready", why: "it answers as it should", since: expect.stringMatching(TIME), status: "", restarts: 0 },
      } as never,
    ]);
  });

  test("keeps its state to its owner", () => {
    expect(modes(box.state)).toEqual(
      [
        "0600 host.json",
        "0600 native/mock-openai/log",
        "0600 native/mock-openai/process.json",
        "0600 native/mock-openai/service.json",
        "0600 native/mock-openai/spool/1.err",
        "0600 native/mock-openai/spool/1.out",
        "0600 stack.json",
        "0600 supervisor.json",
        "0600 supervisor.lock",
        "0600 supervisor.log",
        "0600 supervisor.sock",
        "0644 health/mock-openai",
        "0700 ",
        "0700 native",
        "0700 native/mock-openai",
        "0700 native/mock-openai/modules",
        "0700 native/mock-openai/spool",
        "0755 health",
      ]
        .filter((line) => !line.endsWith("host.json") || existsSync(join(box.state, "host.json")))
        .sort(),
    );
  });

  test("ps, url, ls and logs show it, on stdout alone", async () => {
    const url = `http://127.0.0.1:${box.port}`;
    const pid = await box.pidOf("mock-openai");
    expect((await box.run(["ps"])).stdout.split("\n")).toEqual([
      expect.stringMatching(/^SERVICE {6}RUNS AS {2}STATE {4}HEALTH {3}URL +PROCESS, CONTAINER$/),
      `mock-openai  native   running  healthy  ${url}  pid ${pid}`,
      "",
    ]);
    expect(await box.run(["url"])).toEqual({ exit: 0, stdout: `mock-openai\t${url}\n`, stderr: "" });
    expect(await box.run(["url", "mock-openai"])).toEqual({ exit: 0, stdout: `${url}\n`, stderr: "" });
    expect(await box.run(["url", "-i", "mock-openai"])).toEqual({ exit: 0, stdout: "http://mock-openai:8080\n", stderr: "" });
    expect(await box.json<object[]>(["url"])).toEqual([{ handle: "mock-openai", url }]);
    const up = await box.json<Record<string, unknown>[]>(["ls", "--up"]);
    expect(up.map((it) => [it.handle, it.isUp, it.layer, it.runtimes])).toEqual([
      ["mock-openai", true, "built-in", ["container", "native"]],
    ]);
    const { stdout } = await box.run(["logs", "mock-openai"]);
    expect(stdout).toContain(`listens on ${url}/v1\n`);
    const line = JSON.parse((await box.run(["logs", "--json", "--tail", "1"])).stdout) as object;
    expect(line).toEqual({
      service: "mock-openai",
      runtime: "native",
      stream: expect.stringMatching(/^std(out|err)$/),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/),
      line: expect.any(String),
    });
  });

  test("logs -f goes on with new lines until it is interrupted", async () => {
    const child = box.start(["logs", "-f", "--tail", "1"]);
    await readUntil(child.stdout, /mock-openai \| .*listens/);
    child.kill("SIGINT");
    await child.exited;
    expect(await child.stderr.text()).toBe("");
  });
});

describe("harbor up with more", () => {
  test("adds a native service and keeps the first; the process has what was configured, and no secret of the shell", async () => {
    const pid = await box.pidOf("mock-openai");
    box.write({ "home/config.env": "HARBOR_ECHO_LEVEL=from-config\nHARBOR_ECHO_NAMED=named\nHARBOR_OTHER_KEY=theirs\n" });
    const { exit, stdout } = await box.run(["up", "-x", "echo", "nvidia"], {
      env: { AWS_SECRET_ACCESS_KEY: "mine", HARBOR_WEBUI_KEY: "mine" },
    });
    expect({ exit, stdout }).toEqual({
      exit: 0,
      stdout: `echo         native  healthy  http://127.0.0.1:${echoPort}\nmock-openai  native  healthy  http://127.0.0.1:${box.port}\n`,
    });
    expect(await box.pidOf("mock-openai")).toBe(pid);
    const environment = await environmentOf(echoPort);
    // of the capability file: the environment, below the contract's own
    expect(environment).toMatchObject({ ECHO_LEVEL: "from-config", ECHO_GPU: "on", HARBOR_ECHO_NAMED: "named" });
    expect(Object.keys(environment).filter((name) => /AWS|OTHER|WEBUI|DOCKER_HOST/.test(name))).toEqual([]);
  });

  test("a process whose configuration has changed is started anew, the process environment going before config.env", async () => {
    const before = await box.pidOf("echo");
    const mock = await box.pidOf("mock-openai");
    const env = { HARBOR_ECHO_LEVEL: "from-shell" };
    const { exit, stderr } = await box.run(["up", "mock-openai"], { env });
    expect(exit).toBe(0);
    expect(stderr).toStartWith("echo: its configuration has changed (variable ECHO_LEVEL): starting it anew\necho: starting as process ");
    expect((await environmentOf(echoPort)).ECHO_LEVEL).toBe("from-shell");
    expect([isRunning(before), await box.pidOf("mock-openai")]).toEqual([false, mock]);
    expect((await box.run(["up", "echo"], { env })).stderr).toBe("");
  });

  test("a port that changes is the one that is shown", async () => {
    const port = await freePort();
    const env = { HARBOR_MOCK_OPENAI_HOST_PORT: String(port), HARBOR_ECHO_LEVEL: "from-shell" };
    const rows = await box.json<{ handle: string; urls: string[] }[]>(["up"], { env });
    expect(rows.find((row) => row.handle === "mock-openai")?.urls).toEqual([`http://127.0.0.1:${port}`]);
    expect((await fetch(`http://127.0.0.1:${port}/v1/models`)).status).toBe(200);
    await box.run(["up"], { env: { HARBOR_ECHO_LEVEL: "from-shell" } });
    expect((await fetch(`http://127.0.0.1:${box.port}/v1/models`)).status).toBe(200);
  });

  test("a process that was killed is up again after the next up, whoever started it", async () => {
    const pid = await box.pidOf("echo");
    process.kill(pid, "SIGKILL");
    const { exit } = await box.run(["up", "mock-openai"], { env: { HARBOR_ECHO_LEVEL: "from-shell" } });
    expect(exit).toBe(0);
    expect((await box.ps()).map((row) => [row.handle, row.state])).toEqual([
      ["echo", "running"],
      ["mock-openai", "running"],
    ]);
    expect(await box.pidOf("echo")).not.toBe(pid);
  });

  test("down with a name stops that one alone", async () => {
    const pid = await box.pidOf("mock-openai");
    const echo = await box.pidOf("echo");
    expect(await box.run(["down", "echo"])).toEqual({ exit: 0, stdout: "echo: stopped\n", stderr: "" });
    expect(isRunning(echo)).toBe(false);
    expect((await box.ps()).map((row) => [row.handle, row.pid])).toEqual([["mock-openai", pid]]);
    expect(await box.run(["down", "echo"])).toEqual({ exit: 0, stdout: "", stderr: "harbor: nothing to stop\n" });
  });

  test("-n starts several at once; down stops all, and leaves neither process nor file", async () => {
    await box.run(["up", "-n", "echo", "other"]);
    const pids = (await box.ps()).map((row) => row.pid ?? 0);
    expect(pids).toHaveLength(3);
    const stopped = await box.json<object[]>(["down"]);
    expect(stopped).toEqual(["echo", "mock-openai", "other"].map((handle) => ({ handle, runtime: "native", wasKilled: false })));
    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(box.state)).toBe(false);
    expect(await box.run(["down"])).toEqual({ exit: 0, stdout: "", stderr: "harbor: nothing to stop\n" });
  });

  test("with nothing up, ps, url and logs say so and print nothing", async () => {
    const nothing = { exit: 0, stdout: "", stderr: "harbor: nothing is up; `harbor up` starts something\n" };
    expect(await Promise.all([["ps"], ["url"], ["logs"], ["ps", "redis"]].map((words) => box.run(words)))).toEqual([
      nothing,
      nothing,
      nothing,
      nothing,
    ]);
    expect(await box.run(["ps", "--json"])).toEqual({ exit: 0, stdout: "[]\n", stderr: "" });
    expect(await box.run(["logs", "redis"])).toMatchObject({ exit: 4, stderr: expect.stringContaining("it is not up") });
    expect((await box.run(["url", "redis"])).stderr).toBe(
      'harbor: Cannot print a URL of "redis": it is not up\n  Start it: harbor up redis\n',
    );
  });

  test("--dry-run starts nothing", async () => {
    const { exit, stdout } = await box.run(["up", "--dry-run"]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/: 1 service, 1 native, capabilities: none\n\nmock-openai {2}native {2}http/);
    expect(await box.ps()).toEqual([]);
  });

  test("--attach stops what it started when it is interrupted, and says so by its exit; --tail leaves it", async () => {
    for (const [option, isLeft, exit] of [
      ["--tail", true, 0],
      ["--attach", true, 130],
      ["down", false, 0],
      ["--attach", false, 130],
    ] as const) {
      if (option === "down") await box.run(["down"]);
      else {
        const child = box.start(["up", "-x", "other", option]);
        await readUntil(child.stdout, /other \| other listens/);
        child.kill("SIGINT");
        expect(await child.exited).toBe(exit);
      }
      expect((await box.ps()).length).toBe(isLeft ? 1 : 0);
    }
    expect(existsSync(box.state)).toBe(false);
  });
});

const redis = Bun.which("redis-server");

describe("harbor up -x redis", () => {
  test.skipIf(redis === null)("runs redis natively (needs redis-server on PATH: apt-get install redis-server)", async () => {
    const env = { HARBOR_REDIS_HOST_PORT: String(freePort()) };
    expect((await box.run(["up", "-x", "redis"], { env })).exit).toBe(0);
    const client = new Bun.RedisClient(`redis://127.0.0.1:${env.HARBOR_REDIS_HOST_PORT}`);
    await client.set("a", "b");
    client.close();
    expect((await box.run(["down"], { env })).stdout).toBe("redis: stopped\n");
    expect(box.left()).toEqual([]);
    expect(readFileSync(join(box.home, "data/redis/dump.rdb")).length).toBeGreaterThan(0);
  });
});
