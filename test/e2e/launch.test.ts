/** `harbor launch` against a real engine: the backend is in a container, the tool a stand-in on this host. */
import { expect, test } from "bun:test";
import { freePort } from "../_ports.ts";
import { type Given, makeStandIns } from "../cli/_stand-ins.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox } from "./_sandbox.ts";
import { makeTemporaryFolder } from "./_temporary.ts";

const found = await findTestEngine();

test.skipIf(found.engine === undefined)(
  "a backend in a container is started for the tool, reached on this host's own address, and goes on running",
  async () => {
    await using sandbox = createSandbox(engineOf(found));
    using folder = makeTemporaryFolder("harbor-e2e-tools-");
    const port = freePort();
    Object.assign(sandbox.env, {
      PATH: `${makeStandIns(folder.path, ["aider"])}:${sandbox.env.PATH}`,
      HARBOR_MOCK_OPENAI_HOST_PORT: String(port),
      HARBOR_MOCK_OPENAI_IMAGE: "local/bun",
      HARBOR_MOCK_OPENAI_VERSION: "1",
      HARBOR_MOCK_OPENAI_RUNTIME: "container",
      HARBOR_MOCK_OPENAI_API_KEY: "sk-in-there",
    });
    const { code, stdout, stderr } = await sandbox.harbor(["launch", "--backend", "mock-openai", "aider", "end 3"]);
    expect(stderr).toEndWith("harbor: mock-openai goes on running; harbor down mock-openai stops it\n");
    expect(code).toBe(3);
    const { env } = JSON.parse(stdout) as Given;
    expect(env).toMatchObject({ OPENAI_API_BASE: `http://127.0.0.1:${port}/v1`, OPENAI_API_KEY: "sk-in-there" });
    const ps = JSON.parse((await sandbox.harbor(["ps", "--json"])).stdout);
    expect(ps).toMatchObject([{ handle: "mock-openai", runtime: "container", state: "running" }]);
    expect((await sandbox.harbor(["launch", "aider"])).stderr).toBe(
      `harbor: aider with mock-chat of mock-openai (http://127.0.0.1:${port})\n`,
    );
    expect((await sandbox.harbor(["down"])).code).toBe(0);
    expect((await sandbox.leftovers()).containers).toEqual([]);
  },
  60_000,
);
