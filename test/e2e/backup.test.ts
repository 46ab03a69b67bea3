/** `harbor backup`, `restore` and `uninstall` of services in containers, whose data another user wrote. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, type Leftovers, NOTHING, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;

describe.skipIf(found.engine === undefined)("a container's data", () => {
  let sandbox: Sandbox;
  let engine: Engine;

  beforeAll(async () => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    const folder = join(sandbox.home, "services/box");
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "compose.box.yml"),
      `services:
  box:
    image: busybox:local
    command: [sleep, "1000"]
    stop_grace_period: 0s
    volumes: ["\${HARBOR_DATA}/box:/data", "cache:/cache"]
    networks: [harbor-network]
volumes: { cache: {} }
`,
    );
    expect((await sandbox.harbor(["up", "box"])).code).toBe(0);
  }, TIMEOUT_MS);

  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  const inside = async (script: string): Promise<string> => (await sandbox.harbor(["exec", "box", "sh", "-c", script])).stdout;

  test.skipIf(process.getuid?.() !== 0)(
    "is saved while it is stopped, with whose it is, and comes back so",
    async () => {
      await inside("echo first >/data/file && chown 4711:4712 /data/file && chmod 600 /data/file");
      const file = join(sandbox.home, "../backup.tar");
      const refused = await sandbox.harbor(["backup", "--to", file]);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("Cannot back up box: what runs goes on writing")]);
      const [before] = await listContainers({ engine, project: sandbox.project });
      const saved = await sandbox.harbor(["backup", "--stop", "--to", file]);
      expect([saved.code, saved.stderr]).toEqual([
        0,
        expect.stringContaining('"box" keeps something in the engine\'s volume "cache", which is not in it'),
      ]);
      const [after] = await listContainers({ engine, project: sandbox.project });
      expect([after?.id, after?.state]).toEqual([before?.id, "running"]);
      expect(after?.startedAt).not.toBe(before?.startedAt as string);

      await inside("echo second >/data/file");
      expect(await sandbox.harbor(["restore", file, "--yes"])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("Cannot restore box: it runs"),
      });
      expect((await sandbox.harbor(["stop", "box"])).code).toBe(0);
      expect((await sandbox.harbor(["restore", file, "--yes"])).code).toBe(0);
      const { uid, gid, mode } = statSync(join(sandbox.home, "data/box/file"));
      expect([uid, gid, mode & 0o777]).toEqual([4711, 4712, 0o600]);
      expect((await sandbox.harbor(["restart", "box"])).code).toBe(0);
      expect(await inside("cat /data/file")).toBe("first\n");
    },
    TIMEOUT_MS,
  );

  test(
    "outlives harbor uninstall, which leaves neither container nor network",
    async () => {
      const { code, stdout } = await sandbox.harbor(["uninstall", "--yes", "--json"]);
      expect([code, JSON.parse(stdout).removed]).toEqual([0, ["box", join(sandbox.home, "state"), join(sandbox.home, "history.jsonl")]]);
      const { volumes, ...left } = await sandbox.leftovers();
      expect<Leftovers>({ ...left, volumes: [] }).toEqual(NOTHING);
      expect(volumes).toEqual([`${sandbox.project}_cache`]);
      expect(readdirSync(join(sandbox.home)).sort()).toEqual(["data", "services"]);
      await engine.api.getVolume(`${sandbox.project}_cache`).remove();
    },
    TIMEOUT_MS,
  );
});
