/** `harbor connect`: a server that runs already, as a person meets it; no engine is there. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeAuthority, makeCertificate } from "../../routines/reach/make-certificate.ts";
import { freePort } from "../_ports.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

const authority = makeAuthority("connect.test");
const certified = makeCertificate({ authority, names: ["localhost"], addresses: ["127.0.0.1"], days: 2 });
const TOKEN = "t0ken-of-a-test";

/** Ollama, as far as it is asked; `/locked` asks for a key, `/empty` is some other page. */
function answer(request: Request): Response {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/locked/") && request.headers.get("authorization") !== `Bearer ${TOKEN}`)
    return new Response("no", { status: 401 });
  if (pathname === "/empty/api/version") return new Response("<html>It works!</html>", { headers: { "content-type": "text/html" } });
  return pathname.endsWith("/api/version") ? Response.json({ version: "0.35.1" }) : new Response("no such page", { status: 404 });
}

let box: Sandbox;
let plain: Bun.Server<undefined>;
let secure: Bun.Server<undefined>;
let url: string;
const echoPort = freePort();

beforeAll(async () => {
  plain = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  secure = Bun.serve({ hostname: "127.0.0.1", port: 0, tls: { cert: certified.certificate, key: certified.key }, fetch: answer });
  url = `http://127.0.0.1:${plain.port}`;
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", echoPort, "  depends_on: [ollama]\n  env_vars: [OLLAMA]\n"),
    "kv/compose.kv.yml": "services:\n  kv: { image: k, x-harbor-scheme: redis, ports: ['6379:6379'] }\n",
  });
});

afterAll(async () => {
  await box.remove();
  await plain.stop(true);
  await secure.stop(true);
});

const config = (): string => readFileSync(join(box.home, "config.env"), "utf8");

beforeEach(() => {
  writeFileSync(join(box.home, "config.env"), "# mine\n");
});

describe("harbor connect", () => {
  test("has a server stand in for a service, and says how to take it back", async () => {
    const { exit, stderr } = await box.run(["connect", url, "--as", "ollama"]);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: `harbor: ollama is ${url}; \`harbor disconnect ollama\` takes it back\n` });
    expect(config()).toBe(`# mine\nHARBOR_OLLAMA_RUNTIME=connected\nHARBOR_OLLAMA_REMOTE_URL=${url}\n`);
    expect((await box.run(["disconnect", "ollama"])).exit).toBe(0);
    expect(config()).toBe("# mine\n");
  });

  test("asks at once, and says what answers instead", async () => {
    const elsewhere = await box.run(["connect", `${url}/elsewhere/nothing`, "--as", "llamacpp"]);
    expect(elsewhere.exit).toBe(1);
    expect(elsewhere.stderr).toContain("what answers is something else");
    expect(elsewhere.stderr).toContain('/elsewhere/nothing/health answered 404 ("no such page")');
    const page = await box.run(["connect", `${url}/empty`, "--as", "ollama"]);
    expect(page.stderr).toContain('answered 200, and no JSON ("<html>It works!</html>")');
    const nobody = await box.run(["connect", "http://127.0.0.1:1", "--as", "ollama"]);
    expect(nobody).toMatchObject({ exit: 1, stderr: expect.stringContaining("http://127.0.0.1:1/api/version: connection refused") });
    expect(config()).toBe("# mine\n");
  });

  test("--force connects it all the same, and says so", async () => {
    const { exit, stderr } = await box.run(["connect", "http://127.0.0.1:1", "--as", "ollama", "--force"]);
    expect({ exit, said: stderr.includes("Cannot reach http://127.0.0.1:1") }).toEqual({ exit: 0, said: true });
    expect(config()).toContain("HARBOR_OLLAMA_REMOTE_URL=http://127.0.0.1:1\n");
  });

  test("D12: takes a token from a variable, shows it nowhere, and notes the command without it", async () => {
    const locked = `${url}/locked`;
    expect((await box.run(["connect", locked, "--as", "ollama"])).stderr).toContain("It asks for a key");
    const wrong = await box.run(["connect", locked, "--as", "ollama", "--token-from-env", "MINE"], { env: { MINE: "wrong" } });
    expect(wrong).toMatchObject({ exit: 1, stderr: expect.stringContaining("The server does not take it") });
    const right = await box.run(["connect", locked, "--as", "ollama", "--token-from-env", "MINE"], { env: { MINE: TOKEN } });
    expect(right).toMatchObject({ exit: 0 });
    const said = await Promise.all(
      [
        ["connect", "ls"],
        ["connect", "ls", "--json"],
        ["config", "ls"],
        ["info", "ollama"],
        ["plan", "--json", "ollama"],
        ["history", "--json"],
      ].map((words) => box.run(words)),
    );
    for (const { stdout, stderr } of [right, ...said]) expect(`${stdout}${stderr}`).not.toContain(TOKEN);
    expect(JSON.parse(said[1]?.stdout ?? "")).toMatchObject([{ handle: "ollama", hasToken: true, answer: { kind: "right" } }]);
    // another server has none of it
    await box.run(["connect", url, "--as", "ollama"]);
    expect(config()).not.toContain("TOKEN");
  });

  test("checks a certificate, by the authority that it is told of", async () => {
    const https = `https://localhost:${secure.port}`;
    writeFileSync(join(box.root, "ca.pem"), authority.certificate);
    const unknown = await box.run(["connect", https, "--as", "ollama"]);
    expect(unknown.exit).toBe(1);
    expect(unknown.stderr).toContain("its certificate is signed by");
    expect(unknown.stderr).toContain("--ca FILE");
    expect(await box.run(["connect", https, "--as", "ollama", "--ca", "ca.pem"])).toMatchObject({ exit: 0 });
    expect(config()).toContain(`HARBOR_OLLAMA_REMOTE_CA=${join(box.root, "ca.pem")}\n`);
    expect(await box.run(["connect", https, "--as", "ollama", "--insecure"])).toMatchObject({ exit: 0 });
    expect(config()).not.toContain("REMOTE_CA");
    expect((await box.run(["doctor", "connected"])).stdout).toContain("certificate at https://localhost");
  });

  test.each([
    [["connect", "http://x:1"], 2, "which service it is has not been said"],
    [["connect", "http://x:1", "--as", "olama"], 4, 'did you mean "ollama"?'],
    [["connect", "http://u:p@x:1", "--as", "ollama"], 2, "would be shown in every list"],
    [["connect", "http://x:1", "--as", "ollama", "--insecure"], 2, "is about a certificate"],
    [["connect", "https://127.0.0.1:1", "--as", "ollama"], 2, "a certificate is checked by name"],
    [["connect", "http://x:1", "--as", "kv"], 2, "it is reached by redis or tcp"],
    [["connect", "http://x:1", "--as", "ollama", "--token-from-env", "NOT_SET"], 2, "it is empty"],
    [["connect", "http://x:1", "--as", "hollama", "--ca", "nothing.pem"], 1, "ENOENT"],
    [["disconnect", "ollama"], 1, "it is not connected"],
    [["disconnect", "olama"], 4, 'did you mean "ollama"?'],
    [["config", "set", "runtime", "connected"], 2, "there is no such runtime"],
  ])("%j ends with %d", async (words, exit, why) => {
    const result = await box.run(words);
    expect({ exit: result.exit, stdout: result.stdout }).toEqual({ exit, stdout: "" });
    expect(result.stderr).toContain(why);
    expect(config()).toBe("# mine\n");
  });
});

describe("a connected service", () => {
  beforeEach(async () => {
    expect(await box.run(["connect", url, "--as", "ollama"])).toMatchObject({ exit: 0 });
  });

  test("is waited for, shown, and left alone; a native one is given its address; no engine is asked", async () => {
    await box.run(["env", "echo", "set", "OLLAMA", "http://ollama:11434/v1"]);
    const up = await box.run(["up", "--no-defaults", "-x", "echo", "ollama"]);
    expect(up).toMatchObject({ exit: 0 });
    try {
      expect(await box.ps()).toMatchObject([
        { handle: "echo", runtime: "native", state: "running" },
        { handle: "ollama", runtime: "connected", state: "running", pid: null, urls: [url] },
      ]);
      expect(((await (await fetch(`http://127.0.0.1:${echoPort}`)).json()) as { OLLAMA: string }).OLLAMA).toBe(`${url}/v1`);
      expect((await box.run(["url", "ollama"])).stdout).toBe(`${url}\n`);
      expect((await box.run(["url", "--internal", "ollama"])).stdout).toBe("http://ollama:11434\n");
      expect((await box.run(["ls", "--up"])).stdout).toMatch(/^ollama +up, connected/m);
      expect((await box.run(["info", "ollama"])).stdout).toMatch(/^is +connected: HARBOR_OLLAMA_RUNTIME is connected/m);
      expect(await box.run(["restart", "ollama"])).toMatchObject({
        exit: 1,
        stderr: expect.stringContaining("its server is not Harbor's"),
      });
      expect(await box.run(["restart"])).toMatchObject({ exit: 0 });
      expect(await box.run(["attach", "ollama"])).toMatchObject({ exit: 1, stderr: expect.stringContaining("stays there") });
      expect(await box.run(["expose", "ollama"])).toMatchObject({ exit: 1, stderr: expect.stringContaining("not Harbor's to open") });
    } finally {
      const down = await box.json<{ handle: string; runtime: string }[]>(["down"]);
      expect(down.map(({ handle, runtime }) => [handle, runtime]).sort()).toEqual([
        ["echo", "native"],
        ["ollama", "connected"],
      ]);
      await box.run(["env", "echo", "unset", "OLLAMA"]);
    }
    expect((await fetch(`${url}/api/version`)).status).toBe(200);
    expect(box.left()).toEqual([]);
  });

  test("that is gone fails the start that names it, and is only told of by the others", async () => {
    const port = freePort();
    const there = Bun.serve({ hostname: "127.0.0.1", port, fetch: answer });
    await box.run(["connect", `127.0.0.1:${port}`, "--as", "ollama"]);
    try {
      expect(await box.run(["up", "--no-defaults", "ollama"])).toMatchObject({ exit: 0 });
      await there.stop(true);
      expect((await box.run(["ps"])).stdout).toMatch(
        /ollama +connected +unreachable +unhealthy[\s\S]*ollama does not answer: .*connection refused/,
      );
      expect(await box.run(["url", "ollama"])).toMatchObject({ exit: 1, stderr: expect.stringContaining("its server does not answer") });
      const named = await box.run(["up", "ollama", "--wait-timeout", "100ms"]);
      expect(named).toMatchObject({
        exit: 5,
        stderr: expect.stringContaining(`Cannot reach "ollama" at http://127.0.0.1:${port} within 0.1 s`),
      });
      const other = await box.run(["up", "--no-defaults", "-x", "echo"]);
      expect(other).toMatchObject({ exit: 0, stderr: expect.stringContaining("does not answer as it should") });
      expect((await box.run(["doctor", "connected"])).exit).toBe(1);
    } finally {
      await there.stop(true);
      await box.run(["down"]);
    }
  });

  test("is taken back while it is up: the next start runs what there is here", async () => {
    await box.run(["up", "--no-defaults", "ollama"]);
    try {
      expect((await box.run(["disconnect", "ollama"])).stderr).toContain("it is up so until the next `harbor up`");
      // there is no engine, which is what it takes now
      expect(await box.run(["up", "ollama"])).toMatchObject({ exit: 3 });
    } finally {
      await box.run(["down"]);
    }
  });

  test("-c and -x overrule it for one call; -n does not, for it is about what would run here", async () => {
    const runtime = async (...words: string[]): Promise<string | undefined> =>
      (await box.json<{ services: { runtime: string }[] }>(["plan", ...words])).services[0]?.runtime;
    expect(await runtime("ollama")).toBe("connected");
    expect(await runtime("-c", "ollama")).toBe("container");
    expect(await runtime("-x", "ollama")).toBe("native");
    expect(await runtime("-n", "ollama")).toBe("connected");
  });
});
