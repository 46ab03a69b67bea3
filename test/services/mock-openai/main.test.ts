import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readContract } from "../../../routines/native/read-contract.ts";
import { resolveContract } from "../../../routines/native/resolve-contract.ts";
import { readSettings } from "../../../services/mock-openai/settings.ts";
import { freePort } from "../../_ports.ts";
import { useHomes } from "../../routines/supervisor/_home.ts";

const newHome = useHomes();

const SERVICE = join(import.meta.dir, "../../../services/mock-openai");

/** Started by hand, with the address it says it listens on. */
async function start(env: Record<string, string>) {
  const child = Bun.spawn([process.execPath, join(SERVICE, "main.ts")], {
    env: { MOCK_OPENAI_PORT: "0", ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const { value } = await child.stdout.getReader().read();
  const url = /http:\S+/.exec(new TextDecoder().decode(value))?.[0] ?? "";
  return { child, url };
}

describe("main", () => {
  test("listens on loopback and ends well on SIGTERM", async () => {
    const { child, url } = await start({});
    expect(url).toStartWith("http://127.0.0.1:");
    expect((await fetch(`${url}/models`)).status).toBe(200);
    const startMs = performance.now();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(900);
  });

  test("ends on SIGTERM though a stream goes on", async () => {
    const { child, url } = await start({ MOCK_OPENAI_TOKEN_DELAY_MS: "60000" });
    const body = JSON.stringify({ model: "mock-chat", stream: true, messages: [{ role: "user", content: "x" }] });
    const response = await fetch(`${url}/chat/completions`, { method: "POST", body });
    await response.body?.getReader().read();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("says why it cannot start", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { child } = await start({ MOCK_OPENAI_PORT: String(taken.port) });
    expect(await new Response(child.stderr).text()).toContain("mock-openai: ");
    expect(await child.exited).toBe(1);
  });

  test("runs natively by its contract", async () => {
    const home = newHome();
    const port = String(freePort());
    const contract = readContract({ path: join(SERVICE, "mock-openai_native.yml"), handle: "mock-openai" });
    const spec = resolveContract({ contract, values: (name) => (name === "HARBOR_MOCK_OPENAI_HOST_PORT" ? port : undefined) });
    expect(spec).toMatchObject({ port: Number(port), containerPort: 8080, cwd: SERVICE });
    expect((await home.start([spec])).last["mock-openai"]?.state).toBe("ready");
    expect((await fetch(`http://127.0.0.1:${port}/v1/models`)).status).toBe(200);
    expect(await home.down()).toEqual([{ handle: "mock-openai", wasKilled: false }]);
  });
});

describe("readSettings", () => {
  test("has defaults, for empty values too", () => {
    const defaults = { host: "127.0.0.1", port: 8080, apiKey: "", tokenDelayMs: 20 };
    expect(readSettings({})).toEqual(defaults);
    expect(readSettings({ MOCK_OPENAI_HOST: "", MOCK_OPENAI_PORT: "", MOCK_OPENAI_TOKEN_DELAY_MS: "" })).toEqual(defaults);
  });

  test.each(["MOCK_OPENAI_PORT", "MOCK_OPENAI_TOKEN_DELAY_MS"])("names %s when it is wrong", (name) => {
    for (const value of ["x", "-1", "99999", "1.5"]) expect(() => readSettings({ [name]: value })).toThrow(name);
  });
});
