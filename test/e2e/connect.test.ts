/** What containers see of a server that stands in for a service: on this host, on another machine, behind TLS, with a real engine. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { makeAuthority, makeCertificate } from "../../routines/reach/make-certificate.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { lanMissing, startLan } from "./_lan.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 90_000;
const TOKEN = "t0ken-of-a-test";

/** What it was asked, `/slow` a word every 100 ms, `/socket` what it is told. */
const SERVER = `
const { ADDRESS = "127.0.0.1", PORT, CERT, KEY } = process.env;
const words = async function* () { for (const word of ["one", "two", "three"]) { yield word + "\\n"; await Bun.sleep(100); } };
Bun.serve({
  hostname: ADDRESS, port: Number(PORT), ...(CERT ? { tls: { cert: Bun.file(CERT), key: Bun.file(KEY) } } : {}), idleTimeout: 0,
  fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/socket") && server.upgrade(request)) return;
    if (pathname.endsWith("/slow")) return new Response(words());
    return Response.json({ pathname, host: request.headers.get("host"), authorization: request.headers.get("authorization") });
  },
  websocket: { message: (socket, text) => void socket.send("heard " + text) },
});
console.log("listening");
`;

const FILES: Record<string, string> = {
  "llm/compose.llm.yml": `services:
  llm: { image: no/such-image:1, ports: ["127.0.0.1:\${HARBOR_LLM_HOST_PORT:-9}:8080"], networks: [harbor-network] }
`,
  "kv/compose.kv.yml": `services:
  kv: { image: no/such-image:1, x-harbor-scheme: redis, ports: ["127.0.0.1:9:6379"], networks: [harbor-network] }
`,
  "client/compose.client.yml": `services:
  client:
    image: local/bun:1
    entrypoint: [bun, -e]
    command: ["setInterval(() => {}, 1e6)"]
    init: true
    stop_grace_period: 0s
    networks: [harbor-network]
`,
  "client/compose.x.client.llm.yml": "services:\n  client: { depends_on: { llm: { condition: service_healthy } } }\n",
  "client/compose.x.client.kv.yml": "services:\n  client: { depends_on: { kv: { condition: service_healthy } } }\n",
};

interface Asked {
  pathname: string;
  host: string;
  authorization: string | null;
}

describe.skipIf(found.engine === undefined)("a connected service", () => {
  let sandbox: Sandbox;
  const servers: Bun.Subprocess[] = [];

  beforeAll(() => {
    sandbox = createSandbox(engineOf(found));
    sandbox.env.HARBOR_CAPABILITIES_AUTODETECT = "false";
    for (const [name, text] of Object.entries(FILES)) {
      mkdirSync(join(sandbox.home, "services", name, ".."), { recursive: true });
      writeFileSync(join(sandbox.home, "services", name), text);
    }
    writeFileSync(join(sandbox.home, "server.ts"), SERVER);
  });

  afterAll(async () => {
    for (const server of servers) server.kill();
    await Promise.all(servers.map((server) => server.exited));
    expect((await sandbox.harbor(["down"])).code).toBe(0);
    expect(await sandbox.leftovers()).toEqual({ ...NOTHING, files: ["server.ts"] });
    await sandbox[Symbol.asyncDispose]();
  }, TIMEOUT_MS);

  async function listening(child: Bun.Subprocess<"ignore", "pipe", "inherit">): Promise<void> {
    servers.push(child);
    for await (const chunk of child.stdout) if (new TextDecoder().decode(chunk).includes("listening")) return;
    throw new Error("the server has ended");
  }

  async function serve(env: Record<string, string>): Promise<void> {
    const argv = [process.execPath, "--no-env-file", join(sandbox.home, "server.ts")];
    await listening(Bun.spawn(argv, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "inherit"] }));
  }

  async function harbor(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await sandbox.harbor(words);
    if (code !== 0) throw new Error(`harbor ${words.join(" ")}: ${code}: ${stderr}`);
    return stdout;
  }

  /** A script of bun's in the client's container; gives its stdout. */
  async function ask(script: string): Promise<string> {
    const argv = ["docker", "exec", `${sandbox.project}-client-1`, "bun", "-e", script];
    const { exit, stdout, stderr } = await resultOf(Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "pipe" }));
    if (exit !== 0) throw new Error(`the client ended with ${exit}: ${stderr}`);
    return stdout.trim();
  }

  const get = async (path = "/x?y=1"): Promise<Asked> =>
    JSON.parse(await ask(`console.log(await (await fetch("http://llm:8080${path}")).text())`)) as Asked;

  /** With that server in place of the one before. */
  async function connect(...words: string[]): Promise<void> {
    await harbor("connect", ...words, "--as", "llm");
    await harbor("up", "--no-defaults", "client", "llm");
  }

  test(
    "on this host's loopback is found by its name in the stack, and asked as if it were asked itself; nothing new listens",
    async () => {
      const port = freePort();
      await serve({ PORT: String(port) });
      await connect(`http://127.0.0.1:${port}`);
      expect(await get()).toEqual({ pathname: "/x", host: `127.0.0.1:${port}`, authorization: null });
      expect(await ask(`console.log((await fetch("http://llm.internal:8080/")).status)`)).toBe("200");
      const rows = JSON.parse(await harbor("ps", "--json")) as { handle: string; runtime: string; health: string }[];
      expect(rows.find(({ handle }) => handle === "llm")).toMatchObject({ runtime: "connected", state: "running", health: "healthy" });
      const containers = await listContainers({ engine: engineOf(found), project: sandbox.project });
      expect(containers.map(({ service, runtime, health }) => [service, runtime, health])).toEqual([
        ["client", "container", ""],
        ["llm", "connected", "healthy"],
        ["llm-host", "connected", ""],
      ]);
      const listeners = await resultOf(Bun.spawn(["ss", "-ltnpH"], { stdin: "ignore", stdout: "pipe", stderr: "pipe" }));
      expect(listeners.stdout.split("\n").filter((line) => line.includes(`:${port} `))).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  test(
    "passes a stream on as it comes, and a WebSocket",
    async () => {
      const script = `
      const start = performance.now(), times = [];
      for await (const _ of (await fetch("http://llm:8080/slow")).body) times.push(Math.round(performance.now() - start));
      const socket = new WebSocket("ws://llm:8080/socket");
      const heard = await new Promise((resolve, reject) => {
        socket.onopen = () => socket.send("hello");
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = reject;
      });
      socket.close();
      console.log(JSON.stringify({ times, heard }));`;
      const { times, heard } = JSON.parse(await ask(script)) as { times: number[]; heard: string };
      expect(heard).toBe("heard hello");
      expect(times.length).toBeGreaterThan(1);
      expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100);
    },
    TIMEOUT_MS,
  );

  test(
    "behind TLS, below a prefix and with a token: the bridge checks the certificate and brings the token, which nothing shows",
    async () => {
      const port = freePort();
      const authority = makeAuthority("e2e");
      const { certificate, key } = makeCertificate({ authority, names: ["localhost"], addresses: [], days: 2 });
      const file = (name: string, text: string): string => {
        const path = join(sandbox.home, "..", name);
        writeFileSync(path, text);
        return path;
      };
      await serve({ PORT: String(port), CERT: file("cert.pem", certificate), KEY: file("key.pem", key) });
      sandbox.env.MY_TOKEN = TOKEN;
      const url = `https://localhost:${port}/models/here`;
      await connect(url, "--ca", file("ca.pem", authority.certificate), "--token-from-env", "MY_TOKEN");
      expect(await get("/v1/x")).toEqual({ pathname: "/models/here/v1/x", host: `localhost:${port}`, authorization: `Bearer ${TOKEN}` });
      const commands = await resultOf(Bun.spawn(["ps", "-eo", "args"], { stdin: "ignore", stdout: "pipe", stderr: "pipe" }));
      expect(commands.stdout).not.toContain(TOKEN);
      const { api } = engineOf(found);
      const holders = await Promise.all(
        (await listContainers({ engine: engineOf(found), project: sandbox.project })).map(async ({ id, service }) => {
          const { Config } = await api.getContainer(id).inspect();
          return JSON.stringify(Config.Env).includes(TOKEN) ? [service] : [];
        }),
      );
      expect(holders.flat()).toEqual(["llm-host"]);
      // an authority that did not sign it: nothing gets through
      const other = makeAuthority("another").certificate;
      await harbor("connect", url, "--as", "llm", "--ca", file("other.pem", other), "--force");
      const { code, stderr } = await sandbox.harbor(["up", "client", "llm", "--wait-timeout", "1s"]);
      expect({ code, isTold: stderr.includes("its certificate is signed by an authority that this host does not know") }).toEqual({
        code: 5,
        isTold: true,
      });
      await harbor("connect", url, "--as", "llm", "--insecure");
      await harbor("up", "client", "llm");
      expect((await get("/")).authorization).toBeNull();
    },
    TIMEOUT_MS,
  );

  test(
    "that goes away is seen, and heals by itself when it is back",
    async () => {
      const port = freePort();
      await serve({ PORT: String(port) });
      await connect(`http://127.0.0.1:${port}`);
      const server = servers.at(-1);
      server?.kill();
      await server?.exited;
      const status = (): Promise<string> => ask(`console.log((await fetch("http://llm:8080/")).status)`);
      expect(await status()).toBe("503");
      expect(await harbor("ps", "llm")).toContain("unreachable");
      await serve({ PORT: String(port) });
      expect(await status()).toBe("200");
    },
    TIMEOUT_MS,
  );

  test.skipIf(lanMissing() !== undefined)(
    "on another machine of the network",
    async () => {
      await using lan = await startLan();
      const child = lan.start([process.execPath, "--no-env-file", join(sandbox.home, "server.ts")], { ADDRESS: lan.address, PORT: "8123" });
      await listening(child);
      await connect(`${lan.address}:8123`);
      expect(await get("/")).toEqual({ pathname: "/", host: `${lan.address}:8123`, authorization: null });
      expect((await harbor("url", "--lan", "llm")).trim()).toBe(`http://${lan.address}:8123`);
    },
    TIMEOUT_MS,
  );

  test(
    "that speaks no HTTP is passed on as it is",
    async () => {
      const port = freePort();
      using _ = Bun.listen({
        hostname: "127.0.0.1",
        port,
        socket: { data: (socket, data) => void socket.write(`+${data.toString().toUpperCase()}`) },
      });
      await harbor("connect", `redis://127.0.0.1:${port}`, "--as", "kv");
      await harbor("up", "--no-defaults", "client", "kv");
      const script = `
        const said = await new Promise((resolve) => {
          void Bun.connect({ hostname: "kv", port: 6379, socket: { open: (s) => void s.write("ping"), data: (s, d) => { resolve(String(d)); s.end(); } } });
        });
        console.log(said);`;
      expect(await ask(script)).toBe("+PING");
      await harbor("down", "kv");
    },
    TIMEOUT_MS,
  );

  test(
    "makes way for a container of its own, and takes its place again",
    async () => {
      const port = freePort();
      await serve({ PORT: String(port) });
      await connect(`http://127.0.0.1:${port}`);
      writeFileSync(
        join(sandbox.home, "services/llm/compose.llm.yml"),
        `services:
  llm:
    image: local/bun:1
    entrypoint: [bun, -e]
    command: ["Bun.serve({ port: 8080, fetch: () => Response.json({ pathname: 'container' }) })"]
    init: true
    stop_grace_period: 0s
    ports: ["127.0.0.1:${freePort()}:8080"]
    networks: [harbor-network]
    healthcheck: { test: [CMD, bun, -e, "await fetch('http://127.0.0.1:8080')"], interval: 200ms, retries: 50 }
`,
      );
      await harbor("up", "-c", "llm", "client");
      await until(async () => (await get("/")).pathname === "container", "the container answers", 20_000);
      const services = async (): Promise<string[]> =>
        (await listContainers({ engine: engineOf(found), project: sandbox.project })).map(({ service }) => service);
      expect(await services()).toEqual(["client", "llm"]);
      await harbor("down", "llm");
      await harbor("up", "llm");
      expect(await services()).toEqual(["client", "llm", "llm-host"]);
      expect((await get("/")).pathname).toBe("/");
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    },
    TIMEOUT_MS,
  );
});
