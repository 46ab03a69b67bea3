/** `harbor pull`, `build` and `update` against a real engine and a registry of the test's own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { inspectImage } from "../../routines/engine/inspect-image.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { type Registry, startRegistry } from "./_registry.ts";
import { createSandbox, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;

describe.skipIf(found.engine === undefined)("images", () => {
  let sandbox: Sandbox;
  let engine: Engine;
  let registry: Registry;

  const write = (handle: string, files: Record<string, string>): void => {
    const folder = join(sandbox.home, "services", handle);
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  };

  const service = (name: string, image: string): string =>
    `  ${name}:\n    ${image}\n    command: [sleep, "1000"]\n    stop_grace_period: 0s\n    networks: [harbor-network]\n`;

  beforeAll(async () => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    registry = await startRegistry(engine);
    const named = (name: string): string => `image: "${registry.host}/${name}:\${HARBOR_APP_VERSION:-1.0}"`;
    write("app", { "compose.app.yml": `services:\n${service("app", named("app"))}${service("app-db", named("db"))}` });
    write("gone", { "compose.gone.yml": `services:\n${service("gone", `image: "${registry.host}/nowhere:1"`)}` });
    const build = "build: { context: ., args: { WORD: plain } }";
    write("made", {
      Dockerfile: "FROM busybox:local\nARG WORD\nRUN echo $WORD >/word\n",
      "compose.made.yml": `services:\n${service("made", build)}${service("made-db", "image: busybox:local")}`,
    });
    write("maybe", {
      Dockerfile: "FROM busybox:local\n",
      "compose.maybe.yml": `services:\n${service("maybe", "image: busybox:local")}`,
      "compose.maybe.build.yml": `services:\n  maybe:\n    image: ${sandbox.project}-maybe\n    build: .\n`,
    });
    for (const name of ["app", "db"]) registry.publish(name, "1.0");
  }, TIMEOUT_MS);

  afterAll(async () => {
    await sandbox?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
    for (const name of ["made", "maybe"])
      await engine?.api
        .getImage(`${sandbox.project}-${name}`)
        .remove({ force: true })
        .catch(() => undefined);
  });

  interface Image {
    service: string;
    state: string;
    before?: string | null;
    after?: string | null;
    here?: string | null;
    there?: string | null;
    why?: string;
    pin?: { key: string; value: string };
  }

  const pull = async (...words: string[]): Promise<Image[]> => {
    const { code, stdout, stderr } = await sandbox.harbor(["pull", ...words, "--json"]);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    return JSON.parse(stdout) as Image[];
  };
  const update = async (...words: string[]): Promise<{ images: Image[]; stale: string[] }> => {
    const { stdout, stderr } = await sandbox.harbor(["update", ...words, "--json"]);
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout);
  };
  const idOf = async (name: string): Promise<string | undefined> => (await inspectImage({ engine, image: `${registry.host}/${name}` }))?.id;

  test(
    "pull brings a service's images, its companions' too, and says what became of each",
    async () => {
      const first = await pull("app");
      expect(first.map((it) => [it.service, it.state, it.before])).toEqual([
        ["app", "pulled", null],
        ["app-db", "pulled", null],
      ]);
      expect(first[0]?.after).toBe((await idOf("app:1.0")) as string);
      expect((await pull("app")).map((it) => it.state)).toEqual(["current", "current"]);
      const shown = await sandbox.harbor(["pull", "app"]);
      expect(shown.stdout).toMatch(/^app +127\.0\.0\.1:\d+\/app:1\.0 +[\d.]+ [kM]B +up to date$/m);
      expect(shown.stderr).toContain("Pulled");
      expect((await sandbox.leftovers()).files).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "pull ends with 1 where the registry has no such image, and says which",
    async () => {
      const { code, stderr } = await sandbox.harbor(["pull", "gone"]);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/Cannot pull .*gone.*: .*(manifest|not found)/)]);
      expect((await sandbox.leftovers()).files).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "update --check asks and pulls nothing; update pulls; the next up starts the container anew, and nothing does before",
    async () => {
      expect((await sandbox.harbor(["up", "app"])).code).toBe(0);
      expect((await update("--check")).images.map((it) => it.state)).toEqual(["current", "current"]);
      const digest = registry.publish("app", "1.0");
      const before = await idOf("app:1.0");
      const running = async () => (await listContainers({ engine, project: sandbox.project })).map((it) => [it.service, it.id]);
      const containers = await running();

      const checked = await update("--check");
      expect(checked).toMatchObject({
        stale: [],
        images: [
          { service: "app", state: "newer", there: digest, pin: { key: "app.version", value: "1.0" } },
          { service: "app-db", state: "current" },
        ],
      });
      expect(await idOf("app:1.0")).toBe(before as string);

      const updated = await update();
      const after = await idOf("app:1.0");
      const change = expect.stringMatching(/^1\.0\.\d+ → 1\.0\.\d+$/);
      expect(updated).toMatchObject({
        stale: ["app"],
        images: [
          { state: "updated", before, after, change },
          { state: "current", change: null },
        ],
      });
      expect(await running()).toEqual(containers);
      expect((await sandbox.harbor(["update", "--check"])).stderr).toContain("up with an older image: app");

      expect((await sandbox.harbor(["up", "app"])).code).toBe(0);
      const now = await running();
      expect(now[0]).not.toEqual(containers[0]);
      expect(now[1]).toEqual(containers[1]);
      expect((await update("--check")).stale).toEqual([]);
      expect((await sandbox.harbor(["down"])).code).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "update goes on past an image that cannot be had, and ends with 1",
    async () => {
      registry.publish("app", "1.0");
      const { code, stdout, stderr } = await sandbox.harbor(["update", "gone", "app", "--json"]);
      const { images } = JSON.parse(stdout) as { images: Image[] };
      expect(images.map((it) => [it.service, it.state])).toEqual([
        ["app", "updated"],
        ["app-db", "current"],
        ["gone", "failed"],
      ]);
      expect(images[2]?.why).toMatch(/manifest|not found/);
      expect([code, stderr]).toEqual([1, expect.stringContaining("/nowhere:1")]);
      expect((await update("--check", "gone")).images).toMatchObject([{ state: "absent" }]);
    },
    TIMEOUT_MS,
  );

  test(
    "build builds what is to be built, with words for compose behind --, and nothing else",
    async () => {
      const { code, stdout, stderr } = await sandbox.harbor(["build", "made", "--json", "--", "--build-arg", "WORD=of the call"]);
      expect([code, stderr]).toEqual([0, ""]);
      const id = (await inspectImage({ engine, image: `${sandbox.project}-made` }))?.id as string;
      expect(JSON.parse(stdout)).toEqual([{ handle: "made", service: "made", image: `${sandbox.project}-made`, id }]);
      expect((await sandbox.harbor(["run", "made", "cat", "/word"])).stdout).toBe("of the call\n");
      expect(await sandbox.harbor(["build", "made", "--", "--no-such-option"])).toMatchObject({ code: 1 });
      expect((await sandbox.leftovers()).files).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "build takes the capability that a file for building asks for",
    async () => {
      const refused = await sandbox.harbor(["build", "maybe"]);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringContaining("busybox:local is pulled, not built\n  Build it with the capability for that: harbor build maybe build\n"),
      ]);
      const built = await sandbox.harbor(["build", "maybe", "build"]);
      expect([built.code, built.stdout]).toEqual([0, `maybe: ${sandbox.project}-maybe\n`]);
    },
    TIMEOUT_MS,
  );
});
