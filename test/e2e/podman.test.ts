/** Podman as root, by its compatible socket: containers there reach native services as they do in Docker Engine. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PROXY_IMAGE } from "../../routines/compose/write-proxy.ts";
import { freePort } from "../_ports.ts";
import { until } from "../_until.ts";
import { findTestEngine } from "./_engine.ts";
import { type Podman, podmanMissing, startPodman } from "./_podman.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

const docker = await findTestEngine();
const missing = docker.missing ?? (await podmanMissing());
if (missing !== undefined && process.env.HARBOR_E2E === "required") throw new Error(`Cannot run Podman's tests: ${missing}`);

describe.skipIf(missing !== undefined)(missing === undefined ? "Podman" : `Podman (${missing})`, () => {
  let podman: Podman;
  let sandbox: Sandbox;

  beforeAll(async () => {
    podman = await startPodman(["busybox:local", `${PROXY_IMAGE.name}:${PROXY_IMAGE.version}`]);
    sandbox = createSandbox(podman.engine);
    sandbox.env.DOCKER_HOST = podman.host;
    sandbox.env.HARBOR_MOCK_OPENAI_HOST_PORT = String(freePort());
    const folder = join(sandbox.home, "services/asking");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "compose.asking.yml"), ASKING);
  }, 60_000);

  afterAll(async () => {
    await sandbox?.[Symbol.asyncDispose]();
    await podman?.[Symbol.asyncDispose]();
  }, 60_000);

  test("doctor says what it is", async () => {
    const { stdout } = await sandbox.harbor(["doctor", "engine", "--json"]);
    const said = JSON.parse(stdout).findings.map(({ what }: { what: string }) => what);
    expect(said[0]).toMatch(/^Podman \d[\d.]+ \(linux\) at unix:/);
    expect(said).toContain("on this kernel: containers reach native services by the relay");
  }, 30_000);

  test("a container finds a native service by name, and down leaves nothing", async () => {
    const started = await sandbox.harbor(["up", "-x", "mock-openai", "asking"]);
    expect(started.stderr).not.toContain("harbor:");
    expect(started.code).toBe(0);
    await until(
      async () => (await sandbox.harbor(["logs", "asking"])).stdout.includes('"status":"ok"'),
      "the container has an answer of the native service",
      20_000,
    );
    const { stdout } = await sandbox.harbor(["ps", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject([
      { handle: "asking", runtime: "container", state: "running" },
      { handle: "mock-openai", runtime: "native", health: "healthy" },
    ]);
    const down = await sandbox.harbor(["down"]);
    expect(down.code).toBe(0);
    expect(await sandbox.leftovers()).toEqual(NOTHING);
  }, 60_000);
});

const ASKING = `services:
  asking:
    image: busybox:local
    command: [sh, -c, "while :; do wget -qO- http://mock-openai:8080/health && echo; sleep 1; done"]
    stop_grace_period: 0s
    networks: [harbor-network]
`;
