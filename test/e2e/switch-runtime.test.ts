/** A service that runs in a container and is then asked for natively, with nothing else beside it and with something. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { readStack } from "../../routines/stack/read-stack.ts";
import { freePort } from "../_ports.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;

describe.skipIf(found.engine === undefined)("a service that changes its runtime", () => {
  let sandbox: Sandbox;

  beforeAll(() => {
    sandbox = createSandbox(engineOf(found));
    sandbox.env.HARBOR_CAPABILITIES_AUTODETECT = "false";
    const port = freePort();
    const container = (ports: string): string =>
      `image: busybox:local, command: [sleep, "1000"], stop_grace_period: 0s, networks: [harbor-network]${ports}`;
    write("box/compose.box.yml", `services: { box: { ${container(`, ports: ["127.0.0.1:${port}:80"]`)} } }\n`);
    write("other/compose.other.yml", `services: { other: { ${container("")} } }\n`);
    contract("absent-program", port);
    write("box/unrunnable", "\x7fELF and no more", 0o755);
    write("box/main.ts", `Bun.serve({ hostname: "127.0.0.1", port: ${port}, fetch: () => new Response("ok") });\n`);
  });

  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  function write(name: string, text: string, mode = 0o644): void {
    const path = join(sandbox.home, "services", name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text, { mode });
  }

  function contract(executable: string, port: number): void {
    write(
      "box/box_native.yml",
      `x-harbor-native: { executable: "\${HARBOR_BOX_PROGRAM:-${executable}}", daemon_args: [main.ts], port: ${port}, ready: { start_interval: 20ms } }\n`,
    );
  }

  const containers = async (): Promise<string[]> =>
    (await listContainers({ engine: engineOf(found), project: sandbox.project, details: false })).map((it) => it.service);

  test(
    "keeps its container where the program is not there; is forgotten, with a word, where it fails later",
    async () => {
      expect((await sandbox.harbor(["up", "box", "other"])).code).toBe(0);
      const absent = await sandbox.harbor(["up", "-x", "box"]);
      expect(absent.code).toBe(3);
      expect(absent.stderr).toStartWith('harbor: Cannot start "box": "absent-program" is not installed, or not on PATH\n');
      expect(await containers()).toEqual(["box", "other"]);
      expect(readStack(sandbox.home)).toMatchObject({ services: ["box", "other"], natives: [] });

      const unrunnable = await sandbox.harbor(["up", "-x", "box"], { env: { HARBOR_BOX_PROGRAM: "./unrunnable" } });
      expect(unrunnable.code).toBe(3);
      expect(unrunnable.stderr).toContain("No longer up, having made way for its native start: box; `harbor up box` starts it again\n");
      expect(await containers()).toEqual(["other"]);
      expect(readStack(sandbox.home)).toMatchObject({ services: ["other"], natives: [], hasContainers: true });

      expect((await sandbox.harbor(["up", "box"])).code).toBe(0);
      expect(await containers()).toEqual(["box", "other"]);
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "leaves nothing in the engine where all of the stack is native from then on, and needs it no longer",
    async () => {
      expect((await sandbox.harbor(["up", "box"])).code).toBe(0);
      const env = { HARBOR_BOX_PROGRAM: "bun" };
      const switched = await sandbox.harbor(["up", "-x", "box", "--json"], { env });
      expect(switched.stderr).toBe("");
      expect(JSON.parse(switched.stdout)).toMatchObject([{ handle: "box", runtime: "native", state: "running", container: null }]);
      expect(await sandbox.leftovers()).toMatchObject({ containers: [], networks: [], volumes: [] });

      const engineless = { env: { ...env, DOCKER_HOST: "unix:///nonexistent.sock" } };
      expect((await sandbox.harbor(["up", "-x", "box"], engineless)).code).toBe(0);
      expect((await sandbox.harbor(["down"], engineless)).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "says what the engine is needed for where it is gone",
    async () => {
      expect((await sandbox.harbor(["up", "box"])).code).toBe(0);
      const env = { HARBOR_BOX_PROGRAM: "bun", DOCKER_HOST: "unix:///nonexistent.sock" };
      const failed = await sandbox.harbor(["up", "-x", "box"], { env });
      expect(failed.code).toBe(3);
      expect(failed.stderr).toContain("\n  It is needed to take down the containers that ran before\n");
      expect(await containers()).toEqual(["box"]);
      expect((await sandbox.harbor(["down"])).code).toBe(0);
    },
    TIMEOUT_MS,
  );
});
