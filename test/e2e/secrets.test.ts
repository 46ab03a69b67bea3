/** No container of the catalogue's has another service's secret, as compose and the engine themselves have it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { removeContainers } from "../../routines/engine/remove-containers.ts";
import { resultOf } from "../_process.ts";
import { handles, mayHave, type Sentinels, sentinelsIn, setSentinels } from "../services/_sentinels.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();

describe.skipIf(found.engine === undefined)("D8: of all the secrets there are, a container has", () => {
  let sandbox: Sandbox;
  let engine: Engine;
  let sentinels: Sentinels;
  /** Stands in for every image of the catalogue: containers are made, and never started. */
  const image = `harbor-e2e-secrets-${process.pid}`;
  const tags = ["1", "server-1", "1-cpu"];

  beforeAll(async () => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    mkdirSync(sandbox.home, { recursive: true });
    sentinels = setSentinels(sandbox.home);
    for (const tag of tags) await engine.api.getImage("busybox:local").tag({ repo: image, tag });
    for (const handle of handles) {
      const prefix = `HARBOR_${handle.toUpperCase().replaceAll("-", "_")}`;
      sandbox.env[`${prefix}_IMAGE`] = image;
      sandbox.env[`${prefix}_VERSION`] = "1";
    }
    // GPU files bring images of their own, and none is wanted here
    sandbox.env.HARBOR_CAPABILITIES_AUTODETECT = "false";
  });

  afterAll(async () => {
    await sandbox?.[Symbol.asyncDispose]();
    for (const tag of tags) await engine.api.getImage(`${image}:${tag}`).remove();
  });

  /** `docker compose <words>` for a selection, by the line that `harbor cmd` prints. */
  async function compose(selection: readonly string[], words: string[]): Promise<string> {
    const line = await sandbox.harbor(["cmd", ...selection.flatMap((handle) => ["-c", handle]), "--no-defaults", "--", ...words]);
    expect({ code: line.code, stderr: line.code === 0 ? "" : line.stderr }).toEqual({ code: 0, stderr: "" });
    const child = Bun.spawn(["sh", "-c", line.stdout], { env: sandbox.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const { exit, stdout, stderr } = await resultOf(child);
    expect({ exit, stderr: exit === 0 ? "" : stderr }).toEqual({ exit: 0, stderr: "" });
    return stdout;
  }

  interface Model {
    services: Record<string, { configs?: { source: string }[] }>;
    configs?: Record<string, unknown>;
  }

  async function check(selection: readonly string[]): Promise<void> {
    const foreign = (handle: string, text: string): string[] =>
      sentinelsIn(text, sentinels).filter((name) => !mayHave(handle, name, selection));
    // all that compose gives a container, the inline files that it mounts into it as well
    const model = JSON.parse(await compose(selection, ["config", "--format", "json"])) as Model;
    expect(Object.keys(model.services)).toEqual(expect.arrayContaining([...selection]));
    for (const [name, service] of Object.entries(model.services)) {
      const files = (service.configs ?? []).map(({ source }) => model.configs?.[source]);
      expect({ name, foreign: foreign(name, JSON.stringify([service, files])) }).toEqual({ name, foreign: [] });
    }
    await compose(selection, ["create"]);
    const containers = await listContainers({ engine, project: sandbox.project, details: false });
    expect(containers.length).toBe(Object.keys(model.services).length);
    for (const { id, service } of containers) {
      const { Config, Args, Path } = await engine.api.getContainer(id).inspect();
      const text = JSON.stringify([Config.Env, Config.Cmd, Config.Entrypoint, Config.Labels, Path, Args]);
      expect({ service, foreign: foreign(service, text) }).toEqual({ service, foreign: [] });
      expect(sentinelsIn(JSON.stringify(Config.Env), sentinels)).toContain(`OWN_TOKEN@${service}`);
    }
    await removeContainers({ engine, project: sandbox.project, graceSeconds: 0, networks: true, volumes: true });
  }

  test.each(handles)("%s alone: its own", (handle) => check([handle]), 60_000);

  test("all of them together: its own, and what a file of two services hands on", () => check(handles), 120_000);
});

describe.skipIf(found.engine === undefined)("harbor secrets rotate", () => {
  let sandbox: Sandbox;
  let engine: Engine;

  beforeAll(() => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    const service = (name: string, environment: string): string =>
      `services:\n  ${name}:\n    image: busybox:local\n    command: [sleep, "600"]\n    init: true\n    environment: { ${environment} }\n`;
    const files = {
      "vault/compose.vault.yml": `x-harbor:\n  settings:\n    vault.key: { secret: true, generate: true }\n${service("vault", 'KEY: "${HARBOR_VAULT_KEY:-}"')}`,
      "client/compose.client.yml": service("client", "A: b"),
      "client/compose.x.client.vault.yml": 'services:\n  client:\n    environment: { VAULT_KEY: "${HARBOR_VAULT_KEY:-}" }\n',
      "other/compose.other.yml": service("other", "A: b"),
    };
    for (const [name, text] of Object.entries(files)) {
      const path = join(sandbox.home, "services", name);
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, text);
    }
  });

  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  const inspect = (service: string) => engine.api.getContainer(`${sandbox.project}-${service}-1`).inspect();
  const keyOf = async (service: string, name: string): Promise<string | undefined> =>
    (await inspect(service)).Config.Env.find((it: string) => it.startsWith(`${name}=`))?.slice(name.length + 1);

  test("--restart starts anew what uses the credential, and nothing else; the first start has made one (D2, D9)", async () => {
    expect((await sandbox.harbor(["up", "vault", "client", "other"])).code).toBe(0);
    const first = await keyOf("vault", "KEY");
    expect(first).toMatch(/^[A-Za-z0-9]{32}$/);
    expect(await keyOf("client", "VAULT_KEY")).toBe(first as string);
    const { Id: before } = await inspect("other");
    const { code, stdout } = await sandbox.harbor(["secrets", "rotate", "vault", "--restart", "--json"]);
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      code: 0,
      rotated: ["vault.key"],
      kept: [],
      users: ["client", "vault"],
      restarted: true,
    });
    const second = await keyOf("vault", "KEY");
    expect(second).not.toBe(first as string);
    expect(await keyOf("client", "VAULT_KEY")).toBe(second as string);
    expect((await inspect("other")).Id).toBe(before);
    expect((await sandbox.harbor(["down"])).code).toBe(0);
  }, 60_000);
});
