import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { readContract } from "../../../routines/native/read-contract.ts";
import { resolveContract } from "../../../routines/native/resolve-contract.ts";
import { readSettings } from "../../../services/conductor/settings.ts";
import { freePort } from "../../_ports.ts";
import { makeFolder } from "../../_workspace.ts";
import { useHomes } from "../../routines/supervisor/_home.ts";

const newHome = useHomes();
const SERVICE = join(import.meta.dir, "../../../services/conductor");
const TOKEN = "join-me";

/** Started by hand, with the address it says it listens on. */
async function start(env: Record<string, string>) {
  const child = Bun.spawn([process.execPath, join(SERVICE, "main.ts")], {
    env: { HARBOR_CONDUCTOR_HOST_PORT: "0", HARBOR_CONDUCTOR_TOKEN: TOKEN, ...env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const { value } = await child.stdout.getReader().read();
  const url = /http:\S+/.exec(new TextDecoder().decode(value))?.[0] ?? "";
  return { child, url };
}

const ask = (url: string, path: string, body?: object): Promise<Response> =>
  fetch(url + path, {
    headers: { authorization: `Bearer ${TOKEN}` },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });

/** What has to wait is left out unless asked for. */
const long = test.if(process.env.HARBOR_TEST_LONG === "1");

describe("main", () => {
  long(
    "that was stopped for longer than three heartbeats blames nobody for it",
    async () => {
      const { child, url } = await start({ HARBOR_CONDUCTOR_DATA: makeFolder() });
      await ask(url, "/register", { component: "hub", port: 4_001, heartbeat_interval: 1 });
      await ask(url, "/heartbeat", { component_id: "hub-001" });
      child.kill("SIGSTOP");
      await Bun.sleep(4_500);
      child.kill("SIGCONT");
      expect(await (await ask(url, "/services/hub-001")).json()).toMatchObject({ status: "healthy", missed_heartbeats: 0 });
      const { events } = (await (await ask(url, "/events")).json()) as { events: { event_type: string }[] };
      expect(events.map(({ event_type: type }) => type)).not.toContain("component-missed-heartbeat");
      child.kill("SIGTERM");
      expect(await child.exited).toBe(0);
    },
    10_000,
  );

  test("listens on loopback, ends well on SIGTERM though a stream is open, and knows everyone again after it", async () => {
    const env = { HARBOR_CONDUCTOR_DATA: makeFolder() };
    const first = await start(env);
    expect(first.url).toStartWith("http://127.0.0.1:");
    expect((await ask(first.url, "/register", { component: "hub", port: 4_001 })).status).toBe(201);
    const stream = await ask(first.url, "/events/subscribe");
    await stream.body?.getReader().read();
    const startMs = performance.now();
    first.child.kill("SIGTERM");
    expect(await first.child.exited).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    const second = await start(env);
    expect(await (await ask(second.url, "/services")).json()).toMatchObject({ services: [{ component_id: "hub-001" }], total: 1 });
    second.child.kill("SIGKILL");
    await second.child.exited;
    const third = await start(env);
    expect(await (await ask(third.url, "/services")).json()).toMatchObject({ total: 1 });
    third.child.kill("SIGTERM");
    expect(await third.child.exited).toBe(0);
  });

  test("says why it cannot start", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { child } = await start({ HARBOR_CONDUCTOR_HOST_PORT: String(taken.port), HARBOR_CONDUCTOR_DATA: makeFolder() });
    expect(await new Response(child.stderr).text()).toStartWith("conductor: ");
    expect(await child.exited).toBe(1);
  });

  test("runs natively by its contract", async () => {
    const home = newHome();
    const port = String(freePort());
    const set: Record<string, string> = { HARBOR_CONDUCTOR_HOST_PORT: port, HARBOR_CONDUCTOR_TOKEN: TOKEN, HARBOR_DATA: makeFolder() };
    const contract = readContract({ path: join(SERVICE, "conductor_native.yml"), handle: "conductor" });
    const spec = resolveContract({ contract, values: (name) => set[name] });
    expect(spec).toMatchObject({ port: Number(port), containerPort: 8888, cwd: SERVICE });
    expect((await home.start([spec])).last.conductor?.state).toBe("ready");
    expect((await ask(`http://127.0.0.1:${port}`, "/services")).status).toBe(200);
    expect(await home.down()).toEqual([{ handle: "conductor", wasKilled: false }]);
  });
});

describe("readSettings", () => {
  test("has defaults, for empty values too", () => {
    const empty = Object.fromEntries(["HOST", "HOST_PORT", "LEASE", "RATE", "REDIS_URL"].map((name) => [`HARBOR_CONDUCTOR_${name}`, ""]));
    expect(readSettings(empty)).toEqual(readSettings({}));
    expect(readSettings({})).toMatchObject({
      host: "127.0.0.1",
      port: 8888,
      heartbeatIntervalMs: 10_000,
      leaseMs: 3_600_000,
      prefix: "harbor",
    });
    expect(readSettings({ HARBOR_CONDUCTOR_ALLOWED_HOSTS: "gpu.lan, *.internal" }).allowedHosts).toEqual(["gpu.lan", "*.internal"]);
  });

  test.each(["HOST_PORT", "HEARTBEAT_INTERVAL", "LEASE", "MAX_BODY", "MAX_ROUTE_BODY", "RATE", "ROUTE_TIMEOUT"])(
    "names %s when it is wrong",
    (name) => {
      for (const value of ["x", "-1", "1.5", "99999999999999999999"]) {
        expect(() => readSettings({ [`HARBOR_CONDUCTOR_${name}`]: value })).toThrow(`HARBOR_CONDUCTOR_${name}`);
      }
    },
  );

  test("names the sender of mails when it is no address", () => {
    expect(() => readSettings({ HARBOR_CONDUCTOR_MAIL_FROM: "Harbor <me@x>" })).toThrow("HARBOR_CONDUCTOR_MAIL_FROM");
    expect(readSettings({ HARBOR_CONDUCTOR_MAIL_FROM: "me@example.com" }).mailFrom).toBe("me@example.com");
  });

  test("wants a token, one that fits into a header, where others than this host can ask", () => {
    expect(() => readSettings({ HARBOR_CONDUCTOR_HOST: "0.0.0.0" })).toThrow("HARBOR_CONDUCTOR_TOKEN");
    expect(() => readSettings({ HARBOR_CONDUCTOR_TOKEN: "two words" })).toThrow("HARBOR_CONDUCTOR_TOKEN");
    expect(readSettings({ HARBOR_CONDUCTOR_HOST: "0.0.0.0", HARBOR_CONDUCTOR_TOKEN: TOKEN }).host).toBe("0.0.0.0");
  });
});
