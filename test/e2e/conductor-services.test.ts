/** Services that Harbor runs, registered with a conductor beside them: natively and in containers, each of both. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePort } from "../_ports.ts";
import { until } from "../_until.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 90_000;

interface Row {
  component_id: string;
  status: string;
  url: string;
  registered_by: string;
}

describe.skipIf(found.engine === undefined)("services with a conductor beside them", () => {
  let sandbox: Sandbox;
  let port: number;

  beforeAll(() => {
    sandbox = createSandbox(engineOf(found));
    port = freePort();
    for (const prefix of ["HARBOR_CONDUCTOR", "HARBOR_MOCK_OPENAI"]) {
      sandbox.env[`${prefix}_IMAGE`] = "local/bun";
      sandbox.env[`${prefix}_VERSION`] = "1";
    }
    sandbox.env.HARBOR_CONDUCTOR_HOST_PORT = String(freePort());
    sandbox.env.HARBOR_MOCK_OPENAI_HOST_PORT = String(port);
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  }, TIMEOUT_MS);

  const harbor = async (line: string): Promise<string> => {
    const { code, stdout, stderr } = await sandbox.harbor(line.split(" "));
    if (code !== 0 || stderr.includes("Cannot tell")) throw new Error(`harbor ${line}: ${code}: ${stderr}`);
    return stdout;
  };
  const row = async (): Promise<Row | undefined> => (JSON.parse(await harbor("conductor ls mock-openai --json")) as Row[])[0];
  const isNow = (status: string): Promise<true> => until(async () => (await row())?.status === status, `it is ${status}`, 30_000);

  test.each([
    ["natively", "natively", "-x conductor", "-x mock-openai", () => `http://127.0.0.1:${port}`],
    ["natively", "in a container", "-x conductor", "-c mock-openai", () => `http://127.0.0.1:${port}`],
    ["in a container", "natively", "-c conductor", "-x mock-openai", () => "http://mock-openai:8080"],
    ["in a container", "in a container", "-c conductor", "-c mock-openai", () => "http://mock-openai:8080"],
  ])(
    "conductor %s, service %s: registered, healthy and reached through it, and gone with its end",
    async (_, __, conductor, service, url) => {
      await harbor(`up ${conductor}`);
      expect(await row()).toBeUndefined();
      await harbor(`up ${conductor} ${service}`);
      await isNow("healthy");
      expect(await row()).toMatchObject({ url: url(), registered_by: "harbor", component_id: "mock-openai-001" });
      const token = (await harbor("config get conductor.token")).trim();
      const own = (await harbor("conductor url")).trim();
      const models = await fetch(`${own}/route/openai-api/v1/models`, { headers: { authorization: `Bearer ${token}` } });
      expect([models.status, ((await models.json()) as { object: string }).object]).toEqual([200, "list"]);
      await harbor("stop mock-openai");
      expect(await row()).toBeUndefined();
      await harbor("restart mock-openai");
      await isNow("healthy");
      await harbor("down mock-openai");
      expect(await row()).toBeUndefined();
      await harbor("down");
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );

  test(
    "one that dies in its container is degraded, and healthy once it is back, for a conductor in a container",
    async () => {
      await harbor("up -c conductor -c mock-openai");
      await isNow("healthy");
      const { api } = engineOf(found);
      const [container] = await api.listContainers({
        filters: { label: [`com.docker.compose.project=${sandbox.project}`, "com.docker.compose.service=mock-openai"] },
      });
      await api.getContainer(container?.Id ?? "").kill();
      await isNow("degraded");
      await harbor("restart mock-openai");
      await isNow("healthy");
      await harbor("down");
    },
    TIMEOUT_MS,
  );
});
