/** `harbor up` to `harbor down` against a real engine: a native service and the containers that use it. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { lanMissing, startLan } from "./_lan.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";
import { makeConsumers } from "./_workspace.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;

describe.skipIf(found.engine === undefined)("harbor up", () => {
  let sandbox: Sandbox;
  let engine: Engine;
  let workspace: string;
  let port: number;

  beforeAll(() => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    port = freePort();
    workspace = makeConsumers(sandbox.home);
    sandbox.env.HARBOR_MOCK_OPENAI_HOST_PORT = String(port);
    // the stand-in for the image on the registry, which tests cannot reach
    sandbox.env.HARBOR_MOCK_OPENAI_IMAGE = "local/bun";
    sandbox.env.HARBOR_MOCK_OPENAI_VERSION = "1";
  });

  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  const up = (...words: string[]) => sandbox.harbor(["up", "--workspace", workspace, ...words]);

  /** Runs a script of bun's in a running container; gives its stdout. */
  async function runIn(service: string, script: string): Promise<string> {
    const child = Bun.spawn(["docker", "exec", `${sandbox.project}-${service}-1`, "bun", "-e", script], { stdout: "pipe", stderr: "pipe" });
    const { exit, stdout, stderr } = await resultOf(child);
    if (exit !== 0) throw new Error(`${service}: exit ${exit}: ${stderr}`);
    return stdout.trim();
  }

  test(
    "joins a native service and a container, and takes both down again",
    async () => {
      const started = await up("-x", "mock-openai", "consumer", "--json");
      expect(started.stderr).not.toContain("rror");
      expect(started.code).toBe(0);
      const services = JSON.parse(started.stdout);
      expect(services.map((it: { handle: string }) => it.handle)).toEqual(["consumer", "mock-openai"]);
      expect(services[1]).toMatchObject({ runtime: "native", state: "running", health: "healthy", urls: [`http://127.0.0.1:${port}`] });
      expect(services[1].pid).toBeGreaterThan(1);

      // the consumer asked as its first act, so depends_on: service_healthy held it back until there was an answer
      await until(
        async () => (await sandbox.harbor(["logs", "consumer"])).stdout.includes("first answer: 200"),
        "the consumer's first answer",
        20_000,
      );

      const said = (await sandbox.harbor(["logs", "--json", "--since", "1h"])).stdout.trim().split("\n");
      const lines = said.map((line) => JSON.parse(line) as { runtime: string; time: string; line: string });
      expect(new Set(lines.map((it) => it.runtime))).toEqual(new Set(["native", "container"]));
      const times = lines.map((it) => Date.parse(it.time));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect((await sandbox.harbor(["logs", "--grep", "first answer"])).stdout).toMatch(/^consumer +\| first answer: 200\n$/);

      const chunks = JSON.parse(await runIn("consumer", STREAM));
      expect(chunks.text).toContain("one two three");
      expect(chunks.spreadMs).toBeGreaterThan(100); // 20 ms between tokens: not all at once at the end

      expect((await sandbox.harbor(["url", "--internal", "mock-openai"])).stdout.trim()).toBe("http://mock-openai:8080");
      const down = await sandbox.harbor(["down"]);
      expect(down.code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test.skipIf(lanMissing() !== undefined)(
    "lets no host of the LAN in",
    async () => {
      expect((await up("-x", "mock-openai", "consumer")).code).toBe(0);
      await using lan = await startLan();
      const containers = await listContainers({ engine, project: sandbox.project });
      const addresses = await Promise.all(
        containers.map(async ({ id }) => Object.values((await engine.api.getContainer(id).inspect()).NetworkSettings.Networks)),
      );
      const network = (await engine.api.listNetworks({ filters: { label: [`com.docker.compose.project=${sandbox.project}`] } }))[0];
      const targets = [lan.hostAddress, network?.IPAM?.Config?.[0]?.Gateway, ...addresses.flat().map((it) => it.IPAddress)].filter(
        (it) => it,
      );
      expect(targets.length).toBeGreaterThan(3);
      for (const address of targets) {
        expect([address, await lan.canConnect(String(address), port), await lan.canConnect(String(address), 8080)]).toEqual([
          address,
          false,
          false,
        ]);
      }
      // and it is not that nothing can be reached
      const server = Bun.listen({ hostname: lan.hostAddress, port: 0, socket: { data() {} } });
      expect(await lan.canConnect(lan.hostAddress, server.port)).toBe(true);
      server.stop(true);
      await sandbox.harbor(["down"]);
    },
    TIMEOUT_MS,
  );

  test(
    "does the same with the container definition",
    async () => {
      expect((await up("mock-openai", "consumer")).code).toBe(0);
      expect(JSON.parse((await sandbox.harbor(["ps", "--json"])).stdout)).toMatchObject([
        { handle: "consumer", runtime: "container", state: "running" },
        { handle: "mock-openai", runtime: "container", state: "running", health: "healthy", pid: null, urls: [`http://127.0.0.1:${port}`] },
      ]);
      expect(JSON.parse(await runIn("consumer", STREAM)).text).toContain("one two three");
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "keeps what runs when more is added, and takes down only what is named",
    async () => {
      expect((await up("-x", "mock-openai", "consumer")).code).toBe(0);
      const ids = async () => new Map((await listContainers({ engine, project: sandbox.project })).map((it) => [it.service, it.id]));
      const before = await ids();
      const pid = (await ps()).find((it) => it.handle === "mock-openai")?.pid;

      expect((await up("-x", "mock-openai", "consumer")).code).toBe(0);
      expect(await ids()).toEqual(before);

      expect((await sandbox.harbor(["up", "other"])).code).toBe(0);
      const after = await ids();
      expect([...after.keys()].sort()).toEqual(["consumer", "mock-openai", "mock-openai-host", "other"]);
      for (const [service, id] of before) expect(after.get(service)).toBe(id);
      expect((await ps()).find((it) => it.handle === "mock-openai")?.pid).toBe(pid as number);

      expect((await sandbox.harbor(["down", "consumer"])).code).toBe(0);
      expect([...(await ids()).keys()].sort()).toEqual(["mock-openai", "mock-openai-host", "other"]);
      expect((await sandbox.harbor(["down", "mock-openai"])).code).toBe(0);
      expect([...(await ids()).keys()]).toEqual(["other"]);
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "switches a service from its container to native, and leaves nothing of the proxy when it ends",
    async () => {
      expect((await up("mock-openai", "consumer")).code).toBe(0);
      expect((await up("-x", "mock-openai")).code).toBe(0);
      expect((await ps()).find((it) => it.handle === "mock-openai")).toMatchObject({ runtime: "native", health: "healthy" });
      expect(JSON.parse(await runIn("consumer", STREAM)).text).toContain("one two three");
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "stops what it started when a container fails, and shows the container's last lines",
    async () => {
      const failed = await up("-x", "mock-openai", "broken");
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain("broken");
      expect(failed.stderr).toContain("this is why");
      expect(await sandbox.leftovers()).toEqual(NOTHING);

      expect((await up("-x", "mock-openai", "broken", "--keep")).code).toBe(1);
      expect((await ps()).find((it) => it.handle === "mock-openai")?.state).toBe("running");
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "does not take down what ran before when an addition fails",
    async () => {
      expect((await up("-x", "mock-openai", "consumer")).code).toBe(0);
      const before = (await ps()).map((it) => [it.handle, it.pid, it.container, it.since]);
      expect((await up("broken")).code).toBe(1);
      expect((await ps()).map((it) => [it.handle, it.pid, it.container, it.since])).toEqual(before);
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "leaves nothing half-done on Ctrl-C",
    async () => {
      const child = Bun.spawn(["bin/harbor", "up", "--workspace", workspace, "-x", "mock-openai", "never"], {
        cwd: `${import.meta.dir}/../..`,
        env: sandbox.env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      await until(
        async () =>
          (await listContainers({ engine, project: sandbox.project, details: false })).some(
            (it) => it.service === "never" && it.state === "running",
          ),
        "a container that runs",
        20_000,
      );
      child.kill("SIGINT");
      expect(await child.exited).toBe(130);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test.each([
    ["sick", 'Cannot start "sick": container "PROJECT-sick-1" is unhealthy (its check says: no pulse)', "sick from the start"],
    ["task", 'Cannot start "task": container "PROJECT-task-1" ended with code 3', "the task fails"],
  ])(
    "shows the last lines of %s when others wait for it in vain",
    async (handle, message, line) => {
      const failed = await up(handle);
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain(`harbor: ${message.replace("PROJECT", sandbox.project)}\n  ${line}\n`);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "ends with 5 when a container is not healthy in time",
    async () => {
      const late = await up("never", "--wait-timeout", "1s");
      expect(late.code).toBe(5);
      expect(late.stderr).toContain("never");
      expect(await sandbox.leftovers()).toEqual(NOTHING);

      // also while compose itself waits for it, on another's behalf
      const waiting = await up("waiting", "--wait-timeout", "1s");
      expect(waiting.code).toBe(5);
      expect(waiting.stderr).toMatch(/Cannot wait any longer for .*"never".*: not ready after 1 s/);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "runs a flat workspace as it is",
    async () => {
      const flat = `${sandbox.home}/services/flat`;
      const started = await sandbox.harbor(["up", "--workspace", flat, "-x", "mock", "consumer"], {
        env: { HARBOR_MOCK_PORT: String(port) },
      });
      expect(started.stderr).not.toContain("Cannot");
      expect(started.code).toBe(0);
      expect(JSON.parse(await runIn("consumer", STREAM.replaceAll("mock-openai:8080", "mock:8080"))).text).toContain("one two three");
      expect(await runIn("consumer", "console.log(process.env.FROM_PROFILE, process.env.FROM_ENV)")).toBe("profile env");
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  async function ps(): Promise<
    { handle: string; runtime: string; state: string; pid: number | null; container: string | null; since: string }[]
  > {
    return JSON.parse((await sandbox.harbor(["ps", "--json"])).stdout);
  }
});

/** Asks for a streamed answer; prints the text and how far apart the first and the last piece of it came. */
const STREAM = `
const response = await fetch("http://mock-openai:8080/v1/chat/completions", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ model: "mock-chat", stream: true, messages: [{ role: "user", content: "one two three four five six seven eight nine ten" }] }),
});
const times = [];
let text = "";
let rest = "";
const decoder = new TextDecoder();
for await (const chunk of response.body) {
  rest += decoder.decode(chunk, { stream: true });
  const lines = rest.split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    if (!line.startsWith("data: {")) continue;
    const piece = JSON.parse(line.slice(6)).choices[0]?.delta?.content ?? "";
    if (piece !== "") times.push(performance.now());
    text += piece;
  }
}
console.log(JSON.stringify({ text, spreadMs: times.at(-1) - times[0] }));
`;
