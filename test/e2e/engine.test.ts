/** The routines of routines/engine/ against a real engine, with small containers of a project of each test's own. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectEngine } from "../../routines/engine/connect-engine.ts";
import { findCompose } from "../../routines/engine/find-compose.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { type LogLine, readLogs } from "../../routines/engine/read-logs.ts";
import { removeContainers } from "../../routines/engine/remove-containers.ts";
import { type RunComposeOptions, runCompose, runComposeOrThrow } from "../../routines/engine/run-compose.ts";
import { type ContainerProgress, waitContainers } from "../../routines/engine/wait-containers.ts";
import { freePort } from "../_ports.ts";
import { until } from "../_until.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

setDefaultTimeout(60_000);
const found = await findTestEngine();
const finished: Sandbox[] = [];

type Service = Record<string, unknown>;

interface Project extends Sandbox {
  options: RunComposeOptions;
  up(): Promise<unknown>;
}

/** A compose project with these services, each of which stops at once. */
function createProject(services: Record<string, Service>, rest: object = {}): Project {
  const sandbox = createSandbox(engineOf(found));
  finished.push(sandbox);
  const file = join(sandbox.home, "compose.yml");
  mkdirSync(sandbox.home, { recursive: true });
  const entries = Object.entries(services).map(([name, service]) => [
    name,
    { image: "busybox:local", stop_grace_period: "0s", ...service },
  ]);
  writeFileSync(file, JSON.stringify({ ...rest, services: Object.fromEntries(entries) }));
  const compose = findCompose({ env: process.env, home: sandbox.home });
  const options: RunComposeOptions = { args: ["up", "--detach"], project: sandbox.project, file, env: process.env, compose };
  return Object.assign(sandbox, { options, up: () => runComposeOrThrow(options) });
}

const sh = (script: string): Service => ({ command: ["sh", "-c", script] });
const healthcheck = (test: string) => ({ test: ["CMD-SHELL", test], interval: "1s", timeout: "2s", retries: 1 });
const sleeping = sh("sleep 1000");
/** With it a wait ends by something else alone. */
const neverHealthy = { ...sleeping, healthcheck: { ...healthcheck("exit 1"), start_period: "1h" } };

describe.concurrent.skipIf(found.missing !== undefined)("with an engine", () => {
  const engine = () => engineOf(found);

  test("connectEngine says which it is", async () => {
    await using project = createProject({});
    const connected = await connectEngine({ env: process.env, home: project.home, timeoutMs: 30_000 });
    expect(connected.version).toMatch(/^\d+\./);
    expect(["linux", "desktop", "rootless", "podman"]).toContain(connected.kind);
  });

  describe("listContainers", () => {
    test("shows every state, with labels, ports and times", async () => {
      const port = freePort();
      await using project = createProject({
        web: { ...sh("httpd -f -p 80"), ports: [`127.0.0.1:${port}:80`], labels: { "harbor.handle": "webui" } },
        relay: { ...sleeping, labels: { "harbor.handle": "ollama", "harbor.runtime": "native" } },
        once: sh("exit 4"),
      });
      await project.up();
      const containers = await until(
        async () => {
          const listed = await listContainers({ engine: engine(), project: project.project });
          return listed.some((it) => it.state === "exited") && listed;
        },
        "a container that has ended",
        20_000,
      );
      expect(containers.map((it) => [it.service, it.handle, it.runtime, it.state, it.exitCode])).toEqual([
        ["once", "once", "container", "exited", 4],
        ["relay", "ollama", "native", "running", null],
        ["web", "webui", "container", "running", null],
      ]);
      expect(containers[2]).toMatchObject({
        name: `${project.project}-web-1`,
        image: "busybox:local",
        health: "",
        ports: [{ host: "127.0.0.1", hostPort: port, containerPort: 80, protocol: "tcp" }],
      });
      expect(Date.now() - Date.parse(containers[2]?.startedAt ?? "")).toBeLessThan(60_000);
    });
  });

  describe("waitContainers", () => {
    test("waits for health, takes running and done ones, and tells what they do", async () => {
      await using project = createProject({
        healthy: {
          ...sh("touch /tmp/up; sleep 1000"),
          healthcheck: healthcheck("test -e /tmp/up"),
          // on a busy machine it takes a while to end, and counts as running until then
          depends_on: { once: { condition: "service_completed_successfully" } },
        },
        plain: sleeping,
        once: sh("true"),
      });
      await project.up();
      const changes: ContainerProgress[] = [];
      const containers = await waitContainers({ engine: engine(), project: project.project, onProgress: (change) => changes.push(change) });
      expect(containers).toHaveLength(3);
      const last = (service: string) => changes.findLast((it) => it.service === service)?.state;
      expect([last("healthy"), last("plain"), last("once")]).toEqual(["ready", "ready", "done"]);
    });

    test("fails with the last lines of the one that ended badly", async () => {
      await using project = createProject({ never: neverHealthy, bad: sh("echo to stdout; echo cannot read it >&2; exit 3") });
      await project.up();
      await expect(waitContainers({ engine: engine(), project: project.project })).rejects.toMatchObject({
        message: `Cannot start "bad": container "${project.project}-bad-1" ended with code 3`,
        details: expect.arrayContaining(["to stdout", "cannot read it"]),
      });
    });

    test("fails for an unhealthy one with what its check says", async () => {
      await using project = createProject({ bad: { ...sleeping, healthcheck: healthcheck("echo not today; exit 1") } });
      await project.up();
      await expect(waitContainers({ engine: engine(), project: project.project })).rejects.toThrow(
        "is unhealthy (its check says: not today)",
      );
    });

    test("fails for one that is started again and again", async () => {
      await using project = createProject({ never: neverHealthy, bad: { ...sh("echo no; exit 1"), restart: "always" } });
      await project.up();
      await expect(waitContainers({ engine: engine(), project: project.project })).rejects.toThrow("ended with code 1");
    });

    test("ends at its timeout, naming what is not ready", async () => {
      await using project = createProject({ slow: neverHealthy });
      await project.up();
      await expect(waitContainers({ engine: engine(), project: project.project, timeoutMs: 50 })).rejects.toMatchObject({
        exit: "timeout",
        details: [expect.stringContaining("slow: running, health: starting")],
      });
    });
  });

  describe("readLogs", () => {
    const collect = (project: Project, options: Partial<Parameters<typeof readLogs>[0]> = {}) =>
      Array.fromAsync(readLogs({ engine: engine(), project: project.project, ...options }));

    test("reads both streams, a terminal's, and long lines", async () => {
      await using project = createProject({
        plain: sh("echo out; echo err >&2; head -c 40000 /dev/zero | tr '\\0' x; echo"),
        tty: { ...sh(`echo '{"a":1}'`), tty: true },
      });
      await project.up();
      await waitContainers({ engine: engine(), project: project.project });
      const lines = await collect(project);
      const brief = (it: LogLine) => [it.source, it.stream, it.line.length > 100 ? it.line.length : it.line];
      expect(lines.map(brief).sort()).toEqual([
        ["plain", "stderr", "err"],
        ["plain", "stdout", 40_000],
        ["plain", "stdout", "out"],
        ["tty", "stdout", '{"a":1}'],
      ]);
      expect(lines.every((it) => !Number.isNaN(Date.parse(it.time)))).toBe(true);
      expect(await collect(project, { services: ["tty"] })).toHaveLength(1);
    });

    test("takes the last lines, and those since a time", async () => {
      await using project = createProject({ a: sh("for i in 1 2 3 4; do echo $$i; done") });
      await project.up();
      await waitContainers({ engine: engine(), project: project.project });
      expect((await collect(project, { tail: 2 })).map((it) => it.line)).toEqual(["3", "4"]);
      expect(await collect(project, { sinceMs: Date.now() + 60_000 })).toEqual([]);
      expect(await collect(project, { sinceMs: Date.now() - 60_000 })).toHaveLength(4);
    });

    test("follows what is written from now on, until it is told to stop", async () => {
      await using project = createProject({
        a: sh("echo first; until [ -e /tmp/go ]; do :; done; echo second; sleep 1000"),
        quiet: sleeping,
      });
      await project.up();
      const controller = new AbortController();
      const seen: string[] = [];
      for await (const { line } of readLogs({ engine: engine(), project: project.project, follow: true, signal: controller.signal })) {
        seen.push(line);
        if (line === "first") await runCompose({ ...project.options, args: ["exec", "-T", "a", "touch", "/tmp/go"] });
        else controller.abort();
      }
      expect(seen).toEqual(["first", "second"]);
    });
  });

  describe("runComposeOrThrow", () => {
    test("names the service whose image cannot be had", async () => {
      await using project = createProject({ a: { image: "127.0.0.1:9/nosuch:1" } });
      await expect(project.up()).rejects.toMatchObject({
        exit: "failed",
        message: expect.stringMatching(/^Cannot pull the image of "a": .*refused/),
      });
    });

    test("names the container that has a port", async () => {
      const ports = [`127.0.0.1:${freePort()}:80`];
      await using first = createProject({ a: { ...sleeping, ports } });
      await first.up();
      await using second = createProject({ b: { ...sleeping, ports } });
      await expect(second.up()).rejects.toThrow(`container "${first.project}-a-1" has that port`);
    });

    test("names a port that a process has", async () => {
      using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
      await using project = createProject({ a: { ...sleeping, ports: [`127.0.0.1:${server.port}:80`] } });
      await expect(project.up()).rejects.toThrow(`Cannot publish 127.0.0.1:${server.port}: another process has that port`);
    });

    test("ends compose on an abort, before it returns", async () => {
      await using project = createProject({
        slow: neverHealthy,
        after: { ...sleeping, depends_on: { slow: { condition: "service_healthy" } } },
      });
      const controller = new AbortController();
      const attempt = runCompose({ ...project.options, signal: controller.signal }).catch((error: Error) => error);
      await until(
        async () => (await listContainers({ engine: engine(), project: project.project })).some((it) => it.state === "running"),
        "a container that runs",
        20_000,
      );
      controller.abort();
      expect(await attempt).toMatchObject({ exit: "interrupted" });
      const after = (await listContainers({ engine: engine(), project: project.project })).find((it) => it.service === "after");
      expect(after?.state).toBe("created");
    });

    test("tells an engine that stops in the middle", async () => {
      await using project = createProject({
        slow: neverHealthy,
        after: { ...sleeping, depends_on: { slow: { condition: "service_healthy" } } },
      });
      const path = join(project.home, "engine.sock");
      const target = engine().endpoint.host.replace("unix://", "");
      const proxy = Bun.spawn(["socat", `UNIX-LISTEN:${path},fork`, `UNIX-CONNECT:${target}`], {
        stdio: ["ignore", "ignore", "ignore"],
        detached: true,
      });
      await until(
        async () => (await fetch("http://engine/_ping", { unix: path }).catch(() => undefined))?.ok,
        "an engine that answers",
        20_000,
      );
      const attempt = runComposeOrThrow({ ...project.options, env: { ...process.env, DOCKER_HOST: `unix://${path}` } }).catch(
        (error: Error) => error,
      );
      await until(
        async () => (await listContainers({ engine: engine(), project: project.project })).some((it) => it.state === "running"),
        "a container that runs",
        20_000,
      );
      process.kill(-proxy.pid, "SIGKILL");
      expect(await attempt).toMatchObject({ exit: "missing", message: expect.stringContaining("stopped answering in the middle") });
    });
  });

  describe("removeContainers", () => {
    test("removes what is named, then all that is left, without a compose file; never another project's", async () => {
      const volumes = { volumes: { "harbor-native": {}, data: {} } };
      await using other = createProject({ a: sleeping });
      await using project = createProject({ a: { ...sleeping, volumes: ["harbor-native:/sock", "data:/data"] }, b: sleeping }, volumes);
      await Promise.all([other.up(), project.up()]);
      const remove = (services?: string[]) =>
        removeContainers({
          engine: engine(),
          project: project.project,
          ...(services === undefined ? {} : { services }),
          networks: true,
          volumes: true,
        });

      expect((await remove(["b"])).containers).toEqual([`${project.project}-b-1`]);
      expect((await listContainers({ engine: engine(), project: project.project })).map((it) => it.service)).toEqual(["a"]);
      expect(await remove()).toEqual({
        containers: [`${project.project}-a-1`],
        networks: [`${project.project}_default`],
        volumes: [`${project.project}_harbor-native`],
      });
      expect(await project.leftovers()).toMatchObject({ containers: [], networks: [], volumes: [`${project.project}_data`] });
      expect(await other.leftovers()).toMatchObject({ containers: [`${other.project}-a-1`], networks: [`${other.project}_default`] });
    });

    test("leaves anonymous volumes, as docker compose down does", async () => {
      await using project = createProject({ a: { ...sleeping, volumes: ["/kept"] } });
      await project.up();
      const [{ Mounts: [mount] = [] } = {}] = await engine().api.listContainers({
        filters: { label: [`com.docker.compose.project=${project.project}`] },
      });
      const volume = engine().api.getVolume(mount?.Name ?? "");
      await removeContainers({ engine: engine(), project: project.project, networks: true, volumes: true });
      expect((await volume.inspect()).Name).toBe(mount?.Name ?? "");
      await volume.remove();
    });

    test("gives a container its time to stop", async () => {
      await using project = createProject({
        a: { ...sh("trap 'echo tidy; exit 0' TERM; echo up; while :; do sleep 0.02; done"), stop_grace_period: "10s" },
      });
      await project.up();
      const lines = readLogs({ engine: engine(), project: project.project, follow: true });
      expect((await lines.next()).value?.line).toBe("up");
      const [, next] = await Promise.all([removeContainers({ engine: engine(), project: project.project }), lines.next()]);
      expect(next.value?.line).toBe("tidy");
    });
  });

  afterAll(async () => {
    for (const sandbox of finished) expect(await sandbox.leftovers()).toEqual(NOTHING);
  });
});
