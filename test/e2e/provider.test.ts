/** Plain `docker compose` with `provider: { type: harbor }`, against a real engine and a compose that knows of providers. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { freePort } from "../_ports.ts";
import { until } from "../_until.ts";
import { type ComposeProject, createDocker, type DockerWithHarbor, leftOf, providerComposeMissing } from "./_compose.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const isMissing = found.engine === undefined || providerComposeMissing() !== undefined;
const TIMEOUT_MS = 60_000;

describe.skipIf(isMissing)("docker compose up of a native service", () => {
  let engine: Engine;
  let sandbox: Sandbox;
  let docker: DockerWithHarbor;
  const port = freePort();

  beforeAll(async () => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    docker = await createDocker(sandbox, engine);
  });
  afterEach(async () => {
    await sandbox.harbor(["down"]);
  });
  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  /** A native service of one line of shell. */
  const addService = (handle: string, program: string): void => {
    const folder = join(sandbox.home, "services", handle);
    const args = JSON.stringify(["-c", program]);
    const contract = `{ executable: sh, daemon_args: ${args}, port: "${freePort()}", restart: { policy: "no" }, ready: { log: "^here$" } }`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${handle}_native.yml`), `x-harbor-native: ${contract}\n`);
  };
  const config = `config: mock_openai.host_port=${port}`;
  const consumer = (service: string): string => `
  consumer:
    image: busybox:local
    command: [sh, -c, "env; wget -q -O - http://${service}:8080/health; echo; sleep 1000"]
    stop_grace_period: 0s
    depends_on: { ${service}: { condition: service_healthy } }
`;
  const file = (service = "mock-openai", options = `{ service: mock-openai, ${config} }`, rest = consumer(service)): string =>
    `services:\n  ${service}:\n    provider: { type: harbor, options: ${options} }\n${rest}`;
  const fetchFrom = (project: ComposeProject, url: string): Promise<string> =>
    project.say("exec", "-T", "consumer", "wget", "-q", "-O", "-", url);
  const rows = async () =>
    JSON.parse((await sandbox.harbor(["ps", "--json"])).stdout) as { handle: string; state: string; pid: number | null }[];
  const healthOf = async (project: ComposeProject, service: string): Promise<string> =>
    (JSON.parse(await project.say("ps", "--all", "--format", "json", service)) as { Health: string }).Health;

  test(
    "the consumer finds it by name; compose shows its health and its log; down leaves nothing",
    async () => {
      await using project = await docker.project(file("llm"));
      const up = await project.compose("up", "--detach");
      expect({ code: up.code, stderr: up.stderr }).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/llm +starting as process \d+/),
      });
      expect(up.stderr).not.toContain("orphan");
      const said = await until(
        async () => /"status":"ok"/.test(await project.say("logs", "consumer")) && project.say("logs", "consumer"),
        "an answer",
      );
      expect(said).toContain("LLM_URL=http://llm:8080\n");
      expect(said).toContain("LLM_HOST=llm\n");
      expect(said).toContain("LLM_PORT=8080\n");
      expect(await healthOf(project, "llm")).toBe("healthy");
      expect(await until(async () => /llm-1 +\| (.*)\n/.exec(await project.say("logs", "llm"))?.[1], "its log")).toBe(
        `mock-openai (no model, made-up answers) listens on http://127.0.0.1:${port}/v1`,
      );
      const [row, ...others] = await rows();
      expect([row, others]).toMatchObject([{ handle: "mock-openai", state: "running" }, []]);

      const again = await project.compose("up", "--detach", "--remove-orphans");
      expect({ code: again.code, orphans: again.stderr.includes("orphan") }).toEqual({ code: 0, orphans: false });
      expect((await rows())[0]?.pid).toBe(row?.pid as number);
      expect(again.stderr).toMatch(/consumer-1 +Running/);

      expect((await project.compose("down")).code).toBe(0);
      expect(await leftOf(engine, project.name)).toEqual([]);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "a process that ends is seen in docker compose ps, and found again by consumers that go on as they are",
    async () => {
      await using project = await docker.project(file());
      await project.say("up", "--detach");
      const asked = (): Promise<string> => fetchFrom(project, "http://mock-openai:8080/health");
      const pid = (await rows())[0]?.pid as number;
      process.kill(pid, "SIGKILL");
      await until(async () => (await rows()).some((it) => it.pid !== null && it.pid !== pid), "another process");
      await until(() => asked().catch(() => false), "an answer of it");
      expect((await sandbox.harbor(["stop", "mock-openai"])).code).toBe(0);
      await until(async () => (await healthOf(project, "mock-openai")) === "unhealthy", "unhealthy", 20_000);
      expect((await sandbox.harbor(["restart", "mock-openai"])).code).toBe(0);
      await until(async () => (await healthOf(project, "mock-openai")) === "healthy", "healthy again", 20_000);
      expect(await asked()).toContain('"status":"ok"');
    },
    TIMEOUT_MS,
  );

  test(
    "two projects share one process, which ends with the last of them",
    async () => {
      await using first = await docker.project(file());
      await using second = await docker.project(file("llm", "{ service: mock-openai }"));
      await first.say("up", "--detach");
      const [row] = await rows();
      const up = await second.compose("up", "--detach");
      expect({ code: up.code, stderr: up.stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining("it runs already") });
      // on the port that the first one chose
      expect(await fetchFrom(second, "http://llm:8080/health")).toContain('"status":"ok"');
      await first.say("down");
      expect(await leftOf(engine, first.name)).toEqual([]);
      expect(await fetchFrom(second, "http://llm:8080/health")).toContain('"status":"ok"');
      expect(await rows()).toMatchObject([{ pid: row?.pid }]);
      await second.say("down");
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "what `harbor up` has started is shared, and left to it",
    async () => {
      await using project = await docker.project(file("llm", "{ service: mock-openai }"));
      const env = { HARBOR_MOCK_OPENAI_HOST_PORT: String(port) };
      expect((await sandbox.harbor(["up", "-x", "mock-openai"], { env })).code).toBe(0);
      const [row] = await rows();
      await project.say("up", "--detach");
      expect(await fetchFrom(project, "http://llm:8080/health")).toContain('"status":"ok"');
      await project.say("down");
      expect(await leftOf(engine, project.name)).toEqual([]);
      expect(await rows()).toMatchObject([{ pid: row?.pid, state: "running" }]);
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "`harbor down` ends it for the project, too; the next up brings it back",
    async () => {
      await using project = await docker.project(file());
      await project.say("up", "--detach");
      const down = await sandbox.harbor(["down"]);
      expect(down).toMatchObject({ code: 0, stdout: "mock-openai: stopped\n" });
      expect(down.stderr).toContain(`mock-openai: also stops for compose project "${project.name}"`);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
      expect((await leftOf(engine, project.name)).sort()).toEqual([`/${project.name}-consumer-1`, `${project.name}_default`]);
      await project.say("up", "--detach");
      expect(await fetchFrom(project, "http://mock-openai:8080/health")).toContain('"status":"ok"');
    },
    TIMEOUT_MS,
  );

  test(
    "one that cannot start says why, with its last lines, and the consumer does not start",
    async () => {
      addService("sick", "echo this is why >&2; exit 3");
      await using project = await docker.project(file("sick", "{}"));
      const up = await project.compose("up", "--detach");
      expect(up.code).toBe(1);
      expect(up.stderr).toEndWith(
        'harbor: Cannot start "sick": its process ended with exit code 3 before it was ready\n  this is why\n  The whole log: harbor logs sick\n',
      );
      expect(await leftOf(engine, project.name)).toEqual([`${project.name}_default`]);
      expect((await sandbox.harbor(["logs", "sick"])).stdout).toBe("this is why\n");
      await project.say("down");
      expect(await leftOf(engine, project.name)).toEqual([]);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "it is found in the networks that are named, and in no other",
    async () => {
      const other = `
  other: { image: busybox:local, command: [sleep, "1000"], stop_grace_period: 0s }
networks: { back: }
`;
      const joined = `${consumer("llm")}    networks: [back]\n${other}`;
      await using project = await docker.project(file("llm", `{ service: mock-openai, ${config}, networks: back }`, joined));
      await project.say("up", "--detach");
      expect(await fetchFrom(project, "http://llm:8080/health")).toContain('"status":"ok"');
      const elsewhere = await project.compose("exec", "-T", "other", "wget", "-q", "-O", "-", "http://llm:8080/health");
      expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining("bad address") });
      await project.say("down");
      await project.write(file("llm", `{ service: mock-openai, ${config}, networks: front }`, joined));
      const up = await project.compose("up", "--detach");
      expect(up).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(`Cannot join network "front": compose project "${project.name}"`),
      });
      await project.say("down");
      expect(await leftOf(engine, project.name)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "docker compose stop and start: the log goes on where it was, the service is found again",
    async () => {
      await using project = await docker.project(file());
      await project.say("up", "--detach");
      const log = (): Promise<string> => project.say("logs", "--no-log-prefix", "mock-openai");
      const before = await until(async () => (await log()) || undefined, "its log");
      await project.say("stop");
      await project.say("start");
      await until(async () => (await healthOf(project, "mock-openai")) === "healthy", "healthy again", 20_000);
      expect(await fetchFrom(project, "http://mock-openai:8080/health")).toContain('"status":"ok"');
      expect(await log()).toBe(before);
    },
    TIMEOUT_MS,
  );

  test(
    "alone in its file it runs all the same, configured by the .env beside it; a newer compose's stop ends it and keeps its log",
    async () => {
      await using project = await docker.project(file("llm", "{ service: mock-openai }", ""));
      await project.write(`HARBOR_MOCK_OPENAI_HOST_PORT=${port}\n`, ".env");
      await project.say("up", "--detach");
      expect((await sandbox.harbor(["url", "mock-openai"])).stdout).toBe(`http://127.0.0.1:${port}\n`);
      expect(await healthOf(project, "llm")).toBe("healthy");
      expect((await sandbox.harbor(["compose", `--project-name=${project.name}`, "stop", "llm"])).code).toBe(0);
      expect(await leftOf(engine, project.name)).toEqual([]);
      expect(await rows()).toMatchObject([{ handle: "mock-openai", state: "stopped", pid: null }]);
      expect((await sandbox.harbor(["logs", "mock-openai"])).stdout).toContain("listens on");
      await project.say("down");
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "services of one file start at once, and what Ctrl-C leaves, down takes away",
    async () => {
      const go = join(sandbox.home, "data/go");
      for (const handle of ["one", "two"]) addService(handle, `until [ -e ${go} ]; do sleep 0.05; done; echo here; sleep 1000`);
      const both = "services:\n  one: { provider: { type: harbor } }\n  two: { provider: { type: harbor } }\n";
      await using project = await docker.project(both);
      const areStarting = async () => (await rows()).filter((it) => it.pid !== null).length === 2;
      const first = project.start("up", "--detach");
      await until(areStarting, "both of them");
      first.kill("SIGINT");
      expect(await first.exited).not.toBe(0);
      expect(await areStarting()).toBe(true);
      await project.say("down");
      expect(await sandbox.leftovers()).toEqual(NOTHING);

      const second = project.start("up", "--detach");
      await until(areStarting, "both of them again");
      await Bun.write(go, "");
      expect(await second.exited).toBe(0);
      await project.say("down");
      expect(await leftOf(engine, project.name)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test("docker knows of Harbor: docker harbor is harbor", async () => {
    const child = Bun.spawn(["docker", "harbor", "version"], { env: docker.env, stdout: "pipe", stderr: "pipe" });
    expect(await child.stdout.text()).toBe((await sandbox.harbor(["version"])).stdout);
  });
});
