/** `harbor prune` against a real engine: what is ours and unused goes, what is used or anybody else's stays. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readValues } from "../../routines/config/read-values.ts";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { listImages } from "../../routines/engine/list-images.ts";
import { findImages } from "../../routines/prune/find-images.ts";
import type { Leftover } from "../../routines/prune/leftover.ts";
import type { Workspace } from "../../routines/workspace/find-workspace.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { type Registry, startRegistry } from "./_registry.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;

describe.skipIf(found.engine === undefined)("harbor prune", () => {
  let sandbox: Sandbox;
  let engine: Engine;
  let registry: Registry;

  beforeAll(async () => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    registry = await startRegistry(engine);
    for (const name of ["app", "other"]) {
      const folder = join(sandbox.home, "services", name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        join(folder, `compose.${name}.yml`),
        `services:\n  ${name}:\n    image: "${registry.host}/${name}:\${HARBOR_${name.toUpperCase()}_VERSION:-1}"\n    stop_grace_period: 0s\n    networks: [harbor-network]\n`,
      );
    }
    // stands in for a native service, by a program that a definition uses as well
    mkdirSync(join(sandbox.home, "services/there"), { recursive: true });
    writeFileSync(
      join(sandbox.home, "services/there/there_native.yml"),
      `services: { there: { image: "${registry.host}/app:4", x-harbor-native: { executable: sleep, port: "1" } } }\n`,
    );
    for (const tag of ["1", "2", "3", "4"]) registry.publish("app", tag);
    registry.publish("other", "1");
    registry.publish("elses", "1");
  }, TIMEOUT_MS);

  afterAll(async () => {
    await sandbox?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
  });

  interface Row {
    kind: string;
    name: string;
    bytes: number | null;
  }

  async function prune(...words: string[]): Promise<[string, string][]> {
    const { code, stdout, stderr } = await sandbox.harbor(["prune", ...words, "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    return (JSON.parse(stdout) as Row[]).map((it) => [it.kind, it.name]);
  }
  /** As the command does, but of the test's own services alone: whoever runs it may have other images. */
  function findOurs(): Promise<Leftover[]> {
    const workspace: Workspace = {
      layout: "folders",
      home: sandbox.home,
      layers: [{ kind: "user", root: join(sandbox.home, "services") }],
    };
    return findImages({ engine, workspace, values: readValues({ workspace, env: sandbox.env }) });
  }
  const pull = (name: string): Promise<unknown> => Bun.$`docker pull ${registry.host}/${name}`.quiet();
  const imageNames = async (): Promise<string[]> =>
    (await listImages({ engine }))
      .flatMap((it) => it.tags)
      .filter((tag) => tag.startsWith(registry.host))
      .sort();

  test(
    "takes containers and networks of what is not up, and nothing of what is",
    async () => {
      expect((await sandbox.harbor(["up", "app"])).code).toBe(0);
      expect((await sandbox.harbor(["stop", "app"])).code).toBe(0);
      expect(await prune("containers", "networks", "--yes")).toEqual([]); // stopped, and part of the stack
      const network = `${sandbox.project}_harbor-network`;
      const labels = ["--label", `com.docker.compose.project=${sandbox.project}`, "--label", "com.docker.compose.service=old"];
      await Bun.$`docker create --name ${sandbox.project}-old-1 ${labels} --label harbor.handle=old busybox:local true`.quiet();
      await Bun.$`docker create --name ${sandbox.project}-foreign-1 --label com.docker.compose.project=${sandbox.project}x busybox:local true`.quiet();
      await Bun.$`docker run -d --name ${sandbox.project}-runs-1 ${labels} busybox:local sleep 1000`.quiet();
      try {
        expect(await prune("containers", "networks", "--yes")).toEqual([["containers", `${sandbox.project}-old-1`]]);
      } finally {
        await Bun.$`docker rm -f ${sandbox.project}-foreign-1 ${sandbox.project}-runs-1`.quiet();
      }
      expect((await sandbox.harbor(["restart", "app"])).code).toBe(0);
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      await Bun.$`docker network create --label com.docker.compose.project=${sandbox.project} ${network}`.quiet();
      expect(await prune("containers", "networks", "--dry-run")).toContainEqual(["networks", network]);
      expect(await prune("containers", "networks", "--yes")).toContainEqual(["networks", network]);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "takes other tags of services' images and what lost its tag; not what a file names, a container uses, somebody else has, or only this host",
    async () => {
      for (const name of ["app:2", "app:3", "app:4", "other:1", "elses:1"]) await pull(name);
      const digest = registry.publish("other", "1");
      await pull("other:1"); // the older one has no tag from now on
      await Bun.$`docker tag busybox:local ${registry.host}/app:mine`.quiet();
      const container = (await Bun.$`docker create ${registry.host}/app:3`.text()).trim();
      const names = await imageNames();
      try {
        const left = await prune("images", "--dry-run");
        const ours = left.filter(([, name]) => name.startsWith(registry.host));
        expect(ours).toEqual([
          ["images", `${registry.host}/app:2`],
          ["images", expect.stringContaining(`${registry.host}/other@sha256:`)],
        ]);
        expect(await imageNames()).toEqual(names);
        for (const leftover of await findOurs()) await leftover.remove();
      } finally {
        await Bun.$`docker rm -f ${container}`.quiet();
      }
      expect(await imageNames()).toEqual(names.filter((name) => !name.endsWith("/app:2")));
      const other = (await listImages({ engine })).filter((it) => it.digests.some((name) => name.includes(`${registry.host}/other@`)));
      expect(other.map((it) => it.digests)).toEqual([[`${registry.host}/other@${digest}`]]);
      // another version is configured: what was named is not any more
      const { stdout } = await sandbox.harbor(["prune", "images", "--dry-run", "--json"], { env: { HARBOR_APP_VERSION: "3" } });
      expect((JSON.parse(stdout) as Row[]).map((it) => it.name)).toContain(`${registry.host}/app:1`);
    },
    TIMEOUT_MS,
  );

  test(
    "leaves images alone where a service's file cannot be read",
    async () => {
      const folder = join(sandbox.home, "services/torn");
      mkdirSync(folder);
      writeFileSync(join(folder, "compose.torn.yml"), "services: {\n");
      const { code, stdout, stderr } = await sandbox.harbor(["prune", "images", "--dry-run", "--json"]);
      expect([code, stdout, stderr]).toEqual([
        0,
        "[]\n",
        expect.stringContaining(`Images are left as they are: ${join(folder, "compose.torn.yml")}:`),
      ]);
    },
    TIMEOUT_MS,
  );
});
