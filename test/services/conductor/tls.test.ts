import { describe, expect, test } from "bun:test";
import { chmodSync, copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readContract } from "../../../routines/native/read-contract.ts";
import { resolveContract } from "../../../routines/native/resolve-contract.ts";
import { connect } from "../../../services/conductor/client/client.ts";
import type { ConductorClientError } from "../../../services/conductor/client/http.ts";
import { askHealth } from "../../../services/conductor/probe.ts";
import { readPair } from "../../../services/conductor/tls.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";
import { useHomes } from "../../routines/supervisor/_home.ts";
import { makeCertificate } from "./_certificates.ts";
import { TOKEN, useServers } from "./_server.ts";

const start = useServers();
const newHome = useHomes();
const SERVICE = join(import.meta.dir, "../../../services/conductor");
const authorization = `Bearer ${TOKEN}`;

const ask = (url: string, path: string, ca: string): Promise<Response> =>
  fetch(url + path, { headers: { authorization }, keepalive: false, tls: { ca: readFileSync(ca, "utf8") } } as RequestInit);

/** Started by hand; `url` is empty where it did not come up. */
async function run(env: Record<string, string>) {
  const child = Bun.spawn([process.execPath, join(SERVICE, "main.ts")], {
    env: { HARBOR_CONDUCTOR_HOST_PORT: "0", HARBOR_CONDUCTOR_TOKEN: TOKEN, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const { value } = await child.stdout.getReader().read();
  return { child, url: /https?:\S+/.exec(new TextDecoder().decode(value))?.[0] ?? "" };
}

describe("TLS", () => {
  test("is what those speak that trust its certificate, curl and the client among them", async () => {
    const files = await makeCertificate(makeFolder(), "conductor");
    const server = await start({ settings: { tls: files } });
    expect(server.url).toBe(`https://127.0.0.1:${server.port}`);
    expect((await ask(server.url, "/services", files.cert)).status).toBe(200);
    const curl = Bun.spawn(["curl", "-sS", "--cacert", files.cert, "-H", `Authorization: ${authorization}`, `${server.url}/services`]);
    expect(await new Response(curl.stdout).json()).toMatchObject({ total: 0 });
    const stranger = Bun.spawn(["curl", "-sS", `${server.url}/health`], { stderr: "pipe" });
    expect([await stranger.exited, await new Response(stranger.stderr).text()]).toEqual([60, expect.stringContaining("certificate")]);
    const options = { url: server.url, token: TOKEN, component: "hub", port: 4_001 };
    await using hub = await connect({ ...options, ca: readFileSync(files.cert, "utf8") });
    using events = hub.on("x", () => {});
    await events.ready;
    expect(await hub.publish("x")).toBeString();
    expect(await connect(options).catch((error: ConductorClientError) => error.code)).toBe("unreachable");
    const plain = await fetch(server.url.replace("https", "http")).catch(() => undefined);
    expect(plain?.ok ?? false).toBe(false);
  });

  test("takes a renewed certificate without a break; a wrong one is told once, and the one before stays", async () => {
    const folder = makeFolder();
    const [first, second] = [await makeCertificate(folder, "first"), await makeCertificate(folder, "second")];
    const files = { cert: join(folder, "used.crt"), key: join(folder, "used.key") };
    const use = ({ cert, key }: typeof first): void => {
      for (const [from, to] of [
        [cert, files.cert],
        [key, files.key],
      ] as const) {
        copyFileSync(from, `${to}.new`);
        renameSync(`${to}.new`, to);
      }
    };
    use(first);
    const server = await start({ settings: { tls: files } });
    const stream = await ask(server.url, "/events/subscribe", first.cert);
    const reader = stream.body?.getReader();
    await reader?.read();
    // only half of the pair is there yet
    copyFileSync(second.cert, files.cert);
    for (let count = 0; count < 2; count++) server.renewCertificate();
    expect(server.problems).toEqual([expect.stringContaining("is not that of the certificate")]);
    expect((await ask(server.url, "/services", first.cert)).status).toBe(200);
    use(second);
    server.renewCertificate();
    expect((await ask(server.url, "/services", second.cert)).status).toBe(200);
    expect(await ask(server.url, "/services", first.cert).catch(() => "not trusted")).toBe("not trusted");
    // who was connected still is
    const body = JSON.stringify({ event_type: "x", data: "still here" });
    const init = { method: "POST", headers: { authorization }, body, tls: { ca: readFileSync(second.cert, "utf8") } };
    expect((await fetch(`${server.url}/events/publish`, init as RequestInit)).status).toBe(201);
    expect(new TextDecoder().decode((await reader?.read())?.value)).toContain("still here");
    server.renewCertificate();
    expect(server.problems).toHaveLength(1);
  });

  test("that cannot be is a clear message at the start", async () => {
    const folder = makeFolder();
    const [one, other] = [await makeCertificate(folder, "one"), await makeCertificate(folder, "other")];
    writeFileSync(join(folder, "garbage.pem"), "garbage");
    const garbage = join(folder, "garbage.pem");
    for (const [cert, key, message] of [
      [one.cert, other.key, `the key in "${other.key}" is not that of the certificate in "${one.cert}"`],
      [garbage, one.key, `"${garbage}" is no certificate in PEM`],
      [one.cert, garbage, `"${garbage}" is no private key in PEM`],
      [one.cert, join(folder, "none.key"), "cannot be read: ENOENT"],
      [one.cert, "", "go together: the key is missing"],
    ] as const) {
      const env = { HARBOR_CONDUCTOR_DATA: folder, HARBOR_CONDUCTOR_TLS_CERT_FILE: cert, HARBOR_CONDUCTOR_TLS_KEY_FILE: key };
      const { child } = await run(env);
      const said = await new Response(child.stderr).text();
      expect(said).toContain(message);
      expect(said.trim().split("\n")).toHaveLength(1);
      expect(await child.exited).toBe(1);
    }
  });

  test("renews on SIGHUP, from paths in its data folder, and is found healthy by what its container asks", async () => {
    const folder = makeFolder();
    const first = await makeCertificate(folder, "conductor");
    const env = {
      HARBOR_CONDUCTOR_DATA: folder,
      HARBOR_CONDUCTOR_TLS_CERT_FILE: "conductor.crt",
      HARBOR_CONDUCTOR_TLS_KEY_FILE: "conductor.key",
    };
    const before = `${folder}/before.crt`;
    copyFileSync(first.cert, before);
    const { child, url } = await run(env);
    expect(url).toStartWith("https://");
    const port = new URL(url).port;
    expect(await askHealth({ ...env, HARBOR_CONDUCTOR_HOST: "0.0.0.0", HARBOR_CONDUCTOR_HOST_PORT: port })).toBeUndefined();
    expect(await askHealth({ HARBOR_CONDUCTOR_HOST_PORT: port })).toContain("/health");
    expect(await askHealth({ ...env, HARBOR_CONDUCTOR_HOST_PORT: "1" })).toContain("/health is not answered");
    await makeCertificate(folder, "conductor");
    expect((await ask(url, "/health", before)).status).toBe(200);
    child.kill("SIGHUP");
    const isRenewed = () =>
      ask(url, "/health", first.cert).then(
        ({ ok }) => ok,
        () => false,
      );
    await until(isRenewed, "the new one is shown");
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
  });

  test("natively by its contract", async () => {
    const home = newHome();
    const folder = makeFolder();
    const { cert, key } = await makeCertificate(folder, "conductor");
    const port = String(freePort());
    const set: Record<string, string> = {
      ...{ HARBOR_CONDUCTOR_HOST_PORT: port, HARBOR_CONDUCTOR_TOKEN: TOKEN, HARBOR_DATA: folder },
      ...{ HARBOR_CONDUCTOR_TLS_CERT_FILE: cert, HARBOR_CONDUCTOR_TLS_KEY_FILE: key },
    };
    const contract = readContract({ path: join(SERVICE, "conductor_native.yml"), handle: "conductor" });
    const spec = resolveContract({ contract, values: (name) => set[name] });
    expect((await home.start([spec])).last.conductor?.state).toBe("ready");
    expect((await ask(`https://127.0.0.1:${port}`, "/services", cert)).status).toBe(200);
    await home.down();
  });

  test("warns of a key that everybody may read, and of a certificate that is over", async () => {
    const files = await makeCertificate(makeFolder(), "conductor");
    chmodSync(files.key, 0o644);
    const server = await start({ settings: { tls: files } });
    expect(server.problems).toEqual([`everybody may read the key in "${files.key}"`]);
    const later = Date.now() + 10 * 86_400_000;
    chmodSync(files.key, 0o600);
    expect(readPair(files, Date.now()).caution).toBeUndefined();
    expect(readPair(files, later).caution).toStartWith(`the certificate in "${files.cert}" is over since`);
  });
});
