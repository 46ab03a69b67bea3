/** What another machine of the network sees of a service that is exposed, and of one that is not; what a tunnel leads to; with a real engine. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { authorityFiles } from "../../routines/reach/home-authority.ts";
import { makeAuthority, makeCertificate } from "../../routines/reach/make-certificate.ts";
import { freePort } from "../_ports.ts";
import { type Result, resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { type Lan, lanMissing, startLan } from "./_lan.ts";
import { createSandbox, NOTHING, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 90_000;
const missing = found.engine === undefined || lanMissing() !== undefined || Bun.which("curl") === null;

/** Its request as JSON; `/slow` a word every 100 ms; `/socket` what it is told; it may refuse other names than its own. */
const SERVER = `
const { PORT, ADDRESS = "127.0.0.1", ONLY_LOCAL } = process.env;
const words = async function* () { for (const word of ["one", "two", "three"]) { yield word + "\\n"; await Bun.sleep(100); } };
Bun.serve({
  hostname: ADDRESS, port: Number(PORT), idleTimeout: 0,
  fetch(request, server) {
    const { pathname } = new URL(request.url);
    if (ONLY_LOCAL && !/^(localhost|127\\.)/.test(request.headers.get("host") ?? "")) return new Response("not by this name", { status: 403 });
    if (pathname === "/socket" && server.upgrade(request)) return;
    if (pathname === "/slow") return new Response(words());
    return Response.json({ pathname, headers: Object.fromEntries(request.headers) });
  },
  websocket: { message: (socket, text) => void socket.send("heard " + text) },
});
`;

const contract = (port: number, more = ""): string => `x-harbor-native:
  executable: bun
  daemon_args: [main.ts]
  port: "${port}"
  env: { PORT: "${port}"${more} }
  ready: { http: "/", status: "200,403", start_interval: 20ms }
`;

/** The real one cannot be reached from a test. It opens nothing, says that it is none, and prints what is looked for. */
const STAND_IN = `
console.error("This is a stand-in for cloudflared, of Harbor's tests: it opens no tunnel.");
console.error("INF told: " + JSON.stringify({ words: process.argv.slice(2), home: process.env.HOME, names: Object.keys(process.env).sort() }));
console.error("INF Requesting new quick Tunnel on https://api.trycloudflare.com/tunnel");
setTimeout(() => console.error("INF |  https://a-stand-in-of-tests.trycloudflare.com   |"), 100);
setInterval(() => undefined, 1000);
`;

describe.skipIf(missing)("what is exposed", () => {
  let sandbox: Sandbox;
  let lan: Lan;
  const ports = { nat: freePort(), shy: freePort(), box: freePort() };

  beforeAll(async () => {
    sandbox = createSandbox(engineOf(found));
    lan = await startLan();
    sandbox.env.HARBOR_CAPABILITIES_AUTODETECT = "false";
    const files: Record<string, string> = {
      "services/nat/nat_native.yml": contract(ports.nat),
      "services/nat/main.ts": SERVER,
      "services/shy/shy_native.yml": contract(ports.shy, ', ONLY_LOCAL: "1"'),
      "services/shy/main.ts": SERVER,
      "services/box/compose.box.yml": `services:
  box:
    image: local/bun:1
    entrypoint: [bun, -e]
    command: ["Bun.serve({ port: 80, fetch: () => new Response('from the container') })"]
    init: true
    stop_grace_period: 0s
    ports: ["127.0.0.1:${ports.box}:80"]
    networks: [harbor-network]
    healthcheck: { test: [CMD, bun, -e, "await fetch('http://127.0.0.1')"], interval: 200ms, retries: 50 }
`,
      "bin/cloudflared": `#!/bin/sh\nexec '${process.execPath}' --no-env-file '${join(sandbox.home, "bin/stand-in.ts")}' "$@"\n`,
      "bin/stand-in.ts": STAND_IN,
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(sandbox.home, name, ".."), { recursive: true });
      writeFileSync(join(sandbox.home, name), text);
    }
    chmodSync(join(sandbox.home, "bin/cloudflared"), 0o755);
    await harbor("up", "--no-defaults", "-x", "nat", "-x", "shy", "box");
  }, TIMEOUT_MS);

  afterAll(async () => {
    expect((await sandbox.harbor(["down"])).code).toBe(0);
    const { files, ...left } = await sandbox.leftovers();
    expect({ ...left, files: files.filter((path) => !/^(?:bin|reach)(?:\/|$)/.test(path)) }).toEqual(NOTHING);
    for (const kind of ["expose", "tunnel"]) for (const handle of ["nat", "shy", "box"]) expect(await projectOf(kind, handle)).toEqual([]);
    await lan[Symbol.asyncDispose]();
    await sandbox[Symbol.asyncDispose]();
  }, TIMEOUT_MS);

  const projectOf = async (kind: string, handle: string): Promise<string[]> =>
    (await listContainers({ engine: engineOf(found), project: `${sandbox.project}-${kind}-${handle}` })).map(
      ({ service, state }) => `${service} ${state}`,
    );

  async function harbor(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await sandbox.harbor(words);
    if (code !== 0) throw new Error(`harbor ${words.join(" ")}: ${code}: ${stderr}`);
    return stdout;
  }

  interface Opened {
    url: string;
    password: string | null;
    authority: { file: string };
    hostHeader: string | null;
  }

  const expose = async (handle: string, ...words: string[]): Promise<Opened> =>
    JSON.parse(await harbor("expose", handle, "--address", lan.hostAddress, "--json", ...words)) as Opened;

  /** On the other machine. */
  const curl = (...words: string[]): Promise<Result> =>
    lan.run(["curl", "--silent", "--show-error", "--max-time", "10", "--noproxy", "*", ...words]);
  const trusting = (...words: string[]): Promise<Result> => curl("--cacert", authorityFiles(sandbox.home).certificate, ...words);
  const passwordOf = (handle: string): string => readFileSync(join(sandbox.home, `reach/${handle}.password`), "utf8").trim();

  test(
    "asks another machine for a password, over TLS that it can check, on one address alone; without it nothing is reached",
    async () => {
      expect(await lan.canConnect(lan.hostAddress, ports.nat)).toBe(false);
      const { url, password, authority } = await expose("nat");
      expect(url).toBe(`https://${lan.hostAddress}:${ports.nat}`);
      expect(password).toMatch(/^(?:[a-z2-9]{4}-){4}[a-z2-9]{4}$/);
      expect(authority.file).toBe(authorityFiles(sandbox.home).certificate);
      const stranger = await trusting("--include", `${url}/x`);
      expect(stranger.stdout).toStartWith("HTTP/1.1 401");
      expect(stranger.stdout.toLowerCase()).toContain('www-authenticate: basic realm="nat"');
      expect((await curl(url)).stderr).toContain("certificate");
      expect((await trusting("--output", "/dev/null", "--write-out", "%{http_code}", "--user", "harbor:wrong", url)).stdout).toBe("401");
      const known = JSON.parse((await trusting("--user", `harbor:${password}`, `${url}/x?y`)).stdout) as {
        pathname: string;
        headers: Record<string, string>;
      };
      expect(known).toMatchObject({
        pathname: "/x",
        headers: { "x-forwarded-proto": "https", "x-forwarded-for": lan.address, host: new URL(url).host },
      });
      expect(known.headers).not.toHaveProperty("authorization");
      const listeners = await resultOf(Bun.spawn(["ss", "-ltnH"], { stdin: "ignore", stdout: "pipe", stderr: "pipe" }));
      const own = listeners.stdout.split("\n").flatMap((line) => line.match(new RegExp(`\\S+:${ports.nat} `))?.[0].trim() ?? []);
      expect(own.sort()).toEqual([`127.0.0.1:${ports.nat}`, `${lan.hostAddress}:${ports.nat}`].sort());
    },
    TIMEOUT_MS,
  );

  test(
    "takes the password as a bearer token, in a header of its own, and a browser's cookie, none of which reach the service",
    async () => {
      const url = `https://${lan.hostAddress}:${ports.nat}/`;
      const password = passwordOf("nat");
      const headersOf = async (...words: string[]): Promise<Record<string, string>> =>
        (JSON.parse((await trusting(...words, url)).stdout) as { headers: Record<string, string> }).headers;
      expect(await headersOf("--header", `Authorization: Bearer ${password}`)).not.toHaveProperty("authorization");
      const both = await headersOf("--header", `X-Harbor-Password: ${password}`, "--header", "Authorization: Bearer own-key");
      expect(both).toMatchObject({ authorization: "Bearer own-key" });
      expect(both).not.toHaveProperty("x-harbor-password");
      const jar = join(sandbox.home, "../jar");
      await trusting("--cookie-jar", jar, "--user", `harbor:${password}`, "--output", "/dev/null", url);
      const line =
        readFileSync(jar, "utf8")
          .split("\n")
          .find((it) => it.includes("harbor-nat")) ?? "";
      expect(line).toStartWith("#HttpOnly_");
      const cookie = `harbor-nat=${line.split("\t").at(-1)}`;
      const later = await headersOf("--header", `Cookie: a=1; ${cookie}; b=2`, "--header", "Authorization: Bearer a-session-of-the-page");
      expect(later.authorization).toBe("Bearer a-session-of-the-page");
      expect(later.cookie).toContain("a=1");
      expect(later.cookie).toContain("b=2");
      expect(later.cookie).not.toContain("harbor-nat");
      expect((await trusting("--write-out", "%{http_code}", "--output", "/dev/null", "--header", "Cookie: harbor-nat=x", url)).stdout).toBe(
        "401",
      );
    },
    TIMEOUT_MS,
  );

  test(
    "passes a stream on as it comes, and a WebSocket",
    async () => {
      const script = `
        const [url, ca, password] = process.argv.slice(-3);
        const tls = { ca: await Bun.file(ca).text() }, headers = { authorization: "Bearer " + password };
        const start = performance.now(), times = [];
        for await (const _ of (await fetch(url + "/slow", { tls, headers })).body) times.push(Math.round(performance.now() - start));
        const socket = new WebSocket(url.replace("https", "wss") + "/socket", { tls, headers });
        const heard = await new Promise((resolve, reject) => {
          socket.onopen = () => socket.send("hello");
          socket.onmessage = ({ data }) => resolve(data);
          socket.onerror = (event) => reject(new Error(event.message));
        });
        socket.close();
        console.log(JSON.stringify({ times, heard }));`;
      const file = join(sandbox.home, "bin/client.ts");
      writeFileSync(file, script);
      const words = [`https://${lan.hostAddress}:${ports.nat}`, authorityFiles(sandbox.home).certificate, passwordOf("nat")];
      const { exit, stdout, stderr } = await lan.run([process.execPath, "--no-env-file", file, ...words]);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
      const { times, heard } = JSON.parse(stdout) as { times: number[]; heard: string };
      expect(heard).toBe("heard hello");
      expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100);
    },
    TIMEOUT_MS,
  );

  test(
    "is shown, keeps its password, and is no other service's matter: not another start's, not another end's",
    async () => {
      const url = `https://${lan.hostAddress}:${ports.nat}`;
      expect(await harbor("ps")).toContain(`nat is reached from the local network at ${url}, by harbor and a password`);
      expect((await harbor("url", "--lan", "nat")).split("\n")).toContain(url);
      const password = passwordOf("nat");
      expect(await harbor("expose", "ls")).not.toContain(password);
      expect(await harbor("expose", "ls", "--show-secrets")).toContain(password);
      expect(await harbor("doctor", "reach", "listeners", "--all")).toContain("nat is reached at");
      await harbor("up", "box");
      await harbor("down", "box");
      await harbor("up", "--no-defaults", "box");
      expect((await trusting("--user", `harbor:${password}`, "--write-out", "%{http_code}", "--output", "/dev/null", url)).stdout).toBe(
        "200",
      );
      expect((await expose("nat")).password).toBeNull();
      expect((await trusting("--user", `harbor:${password}`, "--write-out", "%{http_code}", "--output", "/dev/null", url)).stdout).toBe(
        "200",
      );
      const { password: next } = await expose("nat", "--new-password");
      expect(next).not.toBe(password);
      expect((await trusting("--user", `harbor:${password}`, "--write-out", "%{http_code}", "--output", "/dev/null", url)).stdout).toBe(
        "401",
      );
    },
    TIMEOUT_MS,
  );

  test(
    "D12: no secret of it is in a command line, in what the engine tells, or readable by others",
    async () => {
      const password = passwordOf("nat");
      const basic = Buffer.from(`harbor:${password}`).toString("base64");
      const { stdout } = await resultOf(Bun.spawn(["ps", "-eo", "args"], { stdin: "ignore", stdout: "pipe", stderr: "pipe" }));
      const { api } = engineOf(found);
      const [front] = await listContainers({ engine: engineOf(found), project: `${sandbox.project}-expose-nat` });
      const inspected = JSON.stringify(await api.getContainer(front?.id ?? "").inspect());
      const history = readFileSync(join(sandbox.home, "history.jsonl"), "utf8");
      for (const text of [stdout, inspected, history]) for (const secret of [password, basic]) expect(text).not.toContain(secret);
      const folder = join(sandbox.home, "state/reach/expose-nat");
      const modes = ["", "haproxy.cfg", "front.pem", "record.json"].map((name) => statSync(join(folder, name)).mode & 0o077);
      expect(modes).toEqual([0, 0, 0, 0]);
      expect(statSync(authorityFiles(sandbox.home).key).mode & 0o077).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "may be a container, with a certificate, a user and a password of one's own, on a port of its own",
    async () => {
      const { certificate, key } = makeCertificate({ authority: makeAuthority("mine"), names: [], addresses: [lan.hostAddress], days: 2 });
      const file = (name: string, text: string): string => {
        writeFileSync(join(sandbox.home, "bin", name), text);
        return join(sandbox.home, "bin", name);
      };
      sandbox.env.MY_PASSWORD = "a-password-of-mine";
      const port = freePort();
      const words = [
        "--cert",
        file("my.pem", certificate),
        "--key",
        file("my.key", key),
        "--user",
        "me",
        "--password-from-env",
        "MY_PASSWORD",
        "--port",
        String(port),
      ];
      const { url, password } = await expose("box", ...words);
      expect({ url, password }).toEqual({ url: `https://${lan.hostAddress}:${port}`, password: null });
      const { stdout } = await curl("--cacert", join(sandbox.home, "bin/my.pem"), "--insecure", "--user", "me:a-password-of-mine", url);
      expect(stdout).toBe("from the container");
      await harbor("down", "box");
      expect(await lan.canConnect(lan.hostAddress, port)).toBe(false);
      expect(await projectOf("expose", "box")).toEqual([]);
      await harbor("up", "--no-defaults", "box");
      expect(await projectOf("expose", "nat")).toEqual(["front running"]);
    },
    TIMEOUT_MS,
  );

  test(
    "is called by its own name where it refuses every other",
    async () => {
      const { url, hostHeader } = await expose("shy");
      expect(hostHeader).toBe(`127.0.0.1:${ports.shy}`);
      const { stdout } = await trusting("--user", `harbor:${passwordOf("shy")}`, `${url}/x`);
      expect(JSON.parse(stdout)).toMatchObject({ pathname: "/x", headers: { host: hostHeader, "x-forwarded-host": new URL(url).host } });
      await harbor("unexpose", "shy");
      expect(await lan.canConnect(lan.hostAddress, ports.shy)).toBe(false);
    },
    TIMEOUT_MS,
  );

  test(
    "is refused where it cannot be: what runs goes on, and nothing is left",
    async () => {
      const refused = async (...words: string[]): Promise<[number, string]> => {
        const { code, stderr } = await sandbox.harbor(["expose", ...words]);
        return [code, stderr];
      };
      const taken = Bun.listen({ hostname: lan.hostAddress, port: 0, socket: { data() {} } });
      expect(await refused("shy", "--address", lan.hostAddress, "--port", String(taken.port))).toEqual([
        1,
        expect.stringContaining("it is taken by"),
      ]);
      taken.stop();
      expect(await refused("shy", "--address", "203.0.113.77")).toEqual([2, expect.stringContaining("this host has no such address")]);
      expect(await refused("shy", "--port", "443")).toEqual([2, expect.stringContaining("from 1024 to 65535")]);
      expect(await refused("nobody")).toEqual([4, expect.stringContaining('Cannot find service "nobody"')]);
      const key = join(sandbox.home, "bin/broken.key");
      writeFileSync(key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
      const broken = await refused("shy", "--address", lan.hostAddress, "--cert", join(sandbox.home, "bin/my.pem"), "--key", key);
      expect(broken).toEqual([1, expect.stringContaining("its front does not answer")]);
      expect(broken[1]).toContain("front.pem");
      expect(await projectOf("expose", "shy")).toEqual([]);
      expect(await harbor("expose", "ls")).not.toContain("shy");
    },
    TIMEOUT_MS,
  );

  interface Tunnel {
    url: string;
    user: string | null;
  }

  const recordOf = (handle: string): { listens: { address: string; port: number } | null; process: { pid: number } } =>
    JSON.parse(readFileSync(join(sandbox.home, `state/reach/tunnel-${handle}/record.json`), "utf8"));
  const isThere = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };

  test(
    "a tunnel leads to a front that asks for a password, on loopback; it ends with its service",
    async () => {
      const { url, user } = JSON.parse(await harbor("tunnel", "nat", "--json")) as Tunnel;
      expect({ url, user }).toEqual({ url: "https://a-stand-in-of-tests.trycloudflare.com", user: "harbor" });
      const { listens, process: program } = recordOf("nat");
      expect(listens?.address).toBe("127.0.0.1");
      const front = `http://127.0.0.1:${listens?.port}`;
      const log = readFileSync(join(sandbox.home, "state/reach/tunnel-nat/log"), "utf8");
      expect(log).toContain("This is a stand-in");
      const told = JSON.parse(/INF told: (.*)/.exec(log)?.[1] ?? "") as { words: string[]; home: string; names: string[] };
      expect(told.words).toEqual(["tunnel", "--no-autoupdate", "--url", front]);
      expect(told.home).toBe(join(sandbox.home, "state/reach/tunnel-nat"));
      expect(told.names.filter((name) => name.startsWith("HARBOR_"))).toEqual([]);
      expect((await fetch(front)).status).toBe(401);
      expect((await fetch(front, { headers: { authorization: `Bearer ${passwordOf("nat")}` } })).status).toBe(200);
      expect(await lan.canConnect(lan.hostAddress, listens?.port ?? 0)).toBe(false);
      expect(await harbor("ps")).toContain(`nat is reached from the internet at ${url}, by harbor and a password`);
      expect(await harbor("tunnel", "ls")).toContain(url);
      await harbor("tunnel", "down", "nat");
      await until(() => !isThere(program.pid), "the tunnel's program ends");
      expect(await projectOf("tunnel", "nat")).toEqual([]);
      expect(await harbor("expose", "ls")).toContain("nat");
    },
    TIMEOUT_MS,
  );

  test(
    "a public one leads to the service itself, and is told of; `harbor down` ends it, and what is exposed",
    async () => {
      const { code, stdout, stderr } = await sandbox.harbor(["tunnel", "nat", "--public", "--json"]);
      expect({ code, user: (JSON.parse(stdout) as Tunnel).user }).toEqual({ code: 0, user: null });
      expect(stderr).not.toContain("password");
      expect(recordOf("nat").listens).toBeNull();
      expect(await projectOf("tunnel", "nat")).toEqual([]);
      const { process: program } = recordOf("nat");
      const doctor = await sandbox.harbor(["doctor", "reach"]);
      expect(doctor.stdout).toContain("nobody asks for a password");
      await harbor("down", "nat");
      await until(() => !isThere(program.pid), "the tunnel's program ends");
      expect(await lan.canConnect(lan.hostAddress, ports.nat)).toBe(false);
      expect(await projectOf("expose", "nat")).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
