/** `harbor restart` and `down` of one service touch what they are told to, and nothing else. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { freePort } from "../_ports.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";
import { makeConsumers } from "./_workspace.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;

describe.skipIf(found.engine === undefined)("one service of several", () => {
  let sandbox: Sandbox;
  let engine: Engine;

  beforeAll(() => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    sandbox.env.HARBOR_MOCK_OPENAI_HOST_PORT = String(freePort());
    sandbox.env.WORKSPACE = makeConsumers(sandbox.home);
  });
  afterEach(async () => {
    await sandbox.harbor(["down"]);
    expect(await sandbox.leftovers()).toEqual(NOTHING);
  }, TIMEOUT_MS);
  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  const up = async (words: string[], env: Record<string, string> = {}): Promise<void> => {
    const { code, stderr } = await sandbox.harbor(["up", "--workspace", sandbox.env.WORKSPACE ?? "", ...words], { env });
    expect([code, stderr]).toEqual([0, expect.any(String)]);
  };

  /** Service → its container and when that was started last. */
  async function running(): Promise<Map<string, string>> {
    const all = await listContainers({ engine, project: sandbox.project });
    return new Map(all.filter((it) => it.state === "running").map((it) => [it.service, `${it.id} ${it.startedAt}`]));
  }

  async function networks(): Promise<string[]> {
    const found = await engine.api.listNetworks({ filters: { label: [`com.docker.compose.project=${sandbox.project}`] } });
    return found.map(({ Id: id }) => id);
  }

  test(
    "D1: down of one that was started by itself leaves those that other calls started, and their network",
    async () => {
      await up(["other"]);
      await up(["-x", "mock-openai", "consumer"]);
      const [before, network] = [await running(), await networks()];
      expect((await sandbox.harbor(["down", "other"])).code).toBe(0);
      before.delete("other");
      expect(await running()).toEqual(before);
      expect([...before.keys()].sort()).toEqual(["consumer", "mock-openai", "mock-openai-host"]);
      expect(await networks()).toEqual(network);
      expect(await networks()).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  test(
    "D2: restart starts no default service that `up --no-defaults` has left out",
    async () => {
      const env = { HARBOR_SERVICES_DEFAULT: "never" };
      await up(["--no-defaults", "other"], env);
      const before = await running();
      for (const words of [["restart"], ["restart", "other"]]) {
        expect(await sandbox.harbor(words, { env })).toMatchObject({ code: 0, stdout: "other: restarted\n" });
        const after = await running();
        expect([...after.keys()]).toEqual(["other"]);
        expect(after).not.toEqual(before);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "D2: restart starts nothing that was not running: not what was stopped, nor what is not up",
    async () => {
      await up(["-x", "mock-openai", "consumer", "other"]);
      expect((await sandbox.harbor(["stop", "other"])).code).toBe(0);
      const before = await running();
      expect(await sandbox.harbor(["restart"])).toMatchObject({ code: 0, stdout: expect.not.stringContaining("other") });
      const after = await running();
      expect([...after.keys()].sort()).toEqual([...before.keys()].sort());
      expect(after.get("consumer")).not.toBe(before.get("consumer") as string);
      // what stands in for a native service is no service
      expect(after.get("mock-openai-host")).toBe(before.get("mock-openai-host") as string);
      expect(await sandbox.harbor(["restart", "sick"])).toMatchObject({ code: 4, stderr: expect.stringContaining("harbor up sick") });
      expect(await running()).toEqual(after);
    },
    TIMEOUT_MS,
  );

  test(
    "restart runs nothing again that has done what it was for",
    async () => {
      const folder = join(sandbox.home, "services/project/crew");
      mkdirSync(folder, { recursive: true });
      const service = (name: string, rest: string): string =>
        `  ${name}:\n    image: busybox:local\n    stop_grace_period: 0s\n    networks: [harbor-network]\n${rest}`;
      writeFileSync(
        join(folder, "compose.crew.yml"),
        `services:\n${service("crew", '    command: [sleep, "1000"]\n    depends_on: { crew-init: { condition: service_completed_successfully } }\n')}${service("crew-init", '    command: ["true"]\n')}`,
      );
      await up(["crew"]);
      const started = async (): Promise<Map<string, string | null>> =>
        new Map((await listContainers({ engine, project: sandbox.project })).map((it) => [it.service, it.startedAt]));
      const before = await started();
      expect((await sandbox.harbor(["restart", "crew"])).code).toBe(0);
      const after = await started();
      expect(after.get("crew-init")).toBe(before.get("crew-init") as string);
      expect(after.get("crew")).not.toBe(before.get("crew") as string);
    },
    TIMEOUT_MS,
  );
});
