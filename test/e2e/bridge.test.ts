/** What containers see of native services, and what nobody else does, with a real engine. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { findGateway } from "../../routines/host/find-gateway.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { type Bridged, createBridged } from "./_bridged.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { lanMissing, startLan } from "./_lan.ts";
import { NOTHING } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;

describe.skipIf(found.engine === undefined)("the bridge to native services", () => {
  let bridged: Bridged;
  /** Of `nat`, as the client says it. */
  let url: string;

  beforeAll(async () => {
    bridged = createBridged(engineOf(found));
    url = `http://nat:${bridged.innerPort}`;
    await bridged.up("-x", "nat", "-x", "told", "-x", "sleeper", "client");
  }, TIMEOUT_MS);

  afterAll(async () => {
    expect((await bridged.sandbox.harbor(["down"])).code).toBe(0);
    expect(await bridged.sandbox.leftovers()).toEqual(NOTHING);
    await bridged[Symbol.asyncDispose]();
  }, TIMEOUT_MS);

  const get = (address: string): Promise<string> => bridged.ask(`console.log(await (await fetch("${address}")).text())`);
  const health = async (service: string): Promise<string> => (await bridged.container(service)).health;

  test("leads there by name, and by the name that is plainly a local one", async () => {
    expect(await get(url)).toMatch(/^\d+$/);
    expect(await get(`http://nat.internal:${bridged.innerPort}`)).toMatch(/^\d+$/);
  });

  test.skipIf(process.platform !== "linux")("listens on loopback, and nowhere else", async () => {
    const { stdout } = await resultOf(Bun.spawn(["ss", "-ltnpH"], { stdout: "pipe", stderr: "pipe" }));
    const listeners = stdout.split("\n").map((line) => line.trim().split(/\s+/));
    const own = [bridged.port, bridged.innerPort, ...Object.values(bridged.ports)].map((port) => `:${port}`);
    const { told, sleeper } = bridged.ports;
    const addresses = listeners.flatMap(([, , , local = ""]) => (own.some((port) => local.endsWith(port)) ? [local] : []));
    expect(addresses.sort()).toEqual([bridged.port, told, sleeper].map((port) => `127.0.0.1:${port}`).sort());
    for (const pid of await bridged.pids("nat-host")) expect(stdout).not.toContain(`pid=${pid},`);
  });

  test.skipIf(lanMissing() !== undefined)(
    "lets in no host of the LAN, whatever it routes through this one, and no container of another network",
    async () => {
      const { api } = engineOf(found);
      const inspected = await api.getContainer((await bridged.container("nat")).id).inspect();
      const [network] = Object.values(inspected.NetworkSettings.Networks);
      const targets = [network?.IPAddress, network?.Gateway, findGateway()].filter((it) => it !== undefined) as string[];
      const ports = [bridged.port, bridged.innerPort];
      // the client gets there: it is not that nothing can be reached
      expect(await get(`http://${network?.IPAddress}:${bridged.innerPort}`)).toMatch(/^\d+$/);

      await using lan = await startLan();
      const places = [...targets, lan.hostAddress].flatMap((address) => ports.map((port) => ({ address, port })));
      const reached = await Promise.all(places.map(({ address, port }) => lan.canConnect(address, port)));
      expect(places.filter((_, index) => reached[index])).toEqual([]);

      const other = await api.createNetwork({ Name: `${bridged.sandbox.project}-other` });
      try {
        const script = `await Promise.all(${JSON.stringify(targets)}.flatMap((hostname) => ${JSON.stringify(ports)}.map(async (port) => {
          const connection = Bun.connect({ hostname, port, socket: { data() {} } }).then(() => console.log("reached", hostname, port));
          await Promise.race([connection.catch(() => {}), Bun.sleep(1500)]);
        }))); process.exit()`;
        const words = ["docker", "run", "--rm", "--network", other.id, "local/bun:1", "-e", script];
        expect(await resultOf(Bun.spawn(words, { stdout: "pipe", stderr: "pipe" }))).toEqual({ exit: 0, stdout: "", stderr: "" });
      } finally {
        await other.remove();
      }
    },
    TIMEOUT_MS,
  );

  test("keeps nobody of a burst waiting, and loses none", async () => {
    const slowest = await bridged.ask(`
      const ask = async () => { const start = performance.now(); await (await fetch("${url}")).text(); return performance.now() - start; };
      console.log(Math.max(...await Promise.all(Array.from({ length: 128 }, ask))))`);
    // a connection that the relay had no room for would be tried again after a second
    expect(Number(slowest)).toBeLessThan(900);
  });

  test(
    "leaves nothing of a thousand connections, closed by one side or by both",
    async () => {
      const before = [await bridged.openFiles("nat-host"), await bridged.openFiles("nat")];
      const client = bridged.ask(`
        const head = "GET /stream HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n";
        const open = () => new Promise((resolve, reject) => {
          const socket = { open(it) { it.write(head); }, data(it) { resolve(it); }, error: reject, close() {} };
          Bun.connect({ hostname: "nat", port: ${bridged.innerPort}, socket, allowHalfOpen: true }).catch(reject);
        });
        const sockets = await Promise.all(Array.from({ length: 1000 }, open));
        console.log(sockets.length);
        await Bun.sleep(500);
        // some say that they are done, some go without a word
        sockets.forEach((socket, index) => index % 2 ? socket.shutdown() : socket.terminate());
        await Bun.sleep(500);
        process.exit()`);
      await until(async () => (await bridged.openFiles("nat-host")) > 2_000, "a thousand connections through the relay", 20_000);
      expect(await client).toBe("1000");
      await until(
        async () =>
          (await bridged.openFiles("nat-host")) <= (before[0] ?? 0) + 2 && (await bridged.openFiles("nat")) <= (before[1] ?? 0) + 8,
        "a relay without connections",
        20_000,
      );
    },
    TIMEOUT_MS,
  );

  test(
    "is as healthy as the process; when that is back, so is everything, with the same containers",
    async () => {
      const containers = async () => (await Promise.all(["nat", "nat-host"].map(bridged.container))).map((it) => [it.id, it.startedAt]);
      const before = await containers();
      const pid = Number(await get(url));
      // a stream, and one request after the other until they are answered by another process
      const { promise: isUnderWay, resolve: hear } = Promise.withResolvers<unknown>();
      const client = bridged.ask(
        `
        const response = await fetch("${url}/stream");
        console.log("under way");
        const stream = (async () => {
          let last = performance.now();
          try { for await (const _ of response.body) last = performance.now(); } catch {}
          return performance.now() - last;
        })();
        let failed = 0;
        for (;;) {
          const text = await fetch("${url}").then((it) => it.text()).catch(() => { failed++; });
          if (text !== undefined && text !== "${pid}") break;
          await Bun.sleep(5);
        }
        console.log(JSON.stringify({ failed: failed > 0, quietMs: await stream }))`,
        hear,
      );
      await Promise.race([isUnderWay, client]);
      process.kill(pid, "SIGKILL");
      const killedAt = performance.now();
      await until(async () => (await health("nat")) === "unhealthy", "an unhealthy proxy", 12_000);
      expect(performance.now() - killedAt).toBeLessThan(10_000);

      // the supervisor starts it again
      const { failed, quietMs } = JSON.parse((await client).replace("under way", "")) as { failed: boolean; quietMs: number };
      expect(failed).toBe(true);
      // the stream has ended with its last line, and not been left open
      expect(quietMs).toBeLessThan(1_000);
      await until(async () => (await health("nat")) === "healthy", "a healthy proxy", 10_000);
      expect(await containers()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  test("waits with a process that is busy, and cuts nothing", async () => {
    const pid = Number(await get(url));
    process.kill(pid, "SIGSTOP");
    const answer = get(url);
    await until(async () => (await bridged.pids("client")).length > 2, "a client under way", 10_000);
    process.kill(pid, "SIGCONT");
    expect(Number(await answer)).toBe(pid);
  });

  test(
    "mends itself when a part of it is gone",
    async () => {
      const works = (): Promise<boolean> =>
        get(url).then(
          () => true,
          () => false,
        );
      const relays = (await bridged.pids("nat-host")).filter((pid) => commandOf(pid).startsWith("haproxy"));
      expect(relays).toHaveLength(1);
      for (const pid of relays) process.kill(pid, "SIGKILL");
      await until(works, "an answer through another relay", 10_000);
      const { api } = engineOf(found);
      await api.getContainer((await bridged.container("nat")).id).restart({ t: 0 });
      await until(works, "an answer through a proxy that was restarted", 10_000);
      await api.getContainer((await bridged.container("nat-host")).id).restart({ t: 0 });
      await until(works, "an answer through a relay that was restarted", 10_000);
    },
    TIMEOUT_MS,
  );

  test("takes the supervisor's word where only that knows", async () => {
    expect(await health("told")).toBe("healthy");
    expect(await get(`http://told:${bridged.ports.told}`)).toMatch(/^\d+$/);
  });

  test(
    "lets a service sleep, and wakes it with the next connection",
    async () => {
      const state = async (): Promise<string> => {
        const services = JSON.parse((await bridged.sandbox.harbor(["ps", "--json"])).stdout) as { handle: string; state: string }[];
        return services.find((it) => it.handle === "sleeper")?.state ?? "";
      };
      await until(async () => (await state()) === "asleep", "a service asleep", 20_000);
      expect(await health("sleeper")).toBe("healthy");
      expect(await get(`http://sleeper:${bridged.ports.sleeper}`)).toMatch(/^\d+$/);
    },
    TIMEOUT_MS,
  );
});

const gateway = findGateway();

describe.skipIf(found.engine === undefined || gateway === undefined)("bridge: direct", () => {
  test(
    "leads to the process itself, from any network, and says so",
    async () => {
      await using bridged = createBridged(engineOf(found));
      const { sandbox } = bridged;
      const place = `${gateway}:${bridged.ports.open}`;
      // what another program has on loopback is not in its way
      using _other = Bun.serve({ hostname: "127.0.0.1", port: bridged.ports.open, fetch: () => new Response("", { status: 404 }) });
      const { code, stderr } = await sandbox.harbor(["up", "--no-defaults", "-x", "open", "client"]);
      expect(stderr).toContain(`open listens on ${place} (bridge: direct): containers of every network of this host reach it`);
      expect(code).toBe(0);
      expect(await bridged.ask(`console.log((await fetch("http://open:${bridged.ports.open}")).status)`)).toBe("200");
      const [service] = JSON.parse((await sandbox.harbor(["ps", "--json"])).stdout).slice(-1);
      expect(service).toMatchObject({ handle: "open", health: "healthy", container: null, ports: [place], urls: [`http://${place}`] });
      expect((await sandbox.harbor(["down"])).code).toBe(0);
      expect(await sandbox.leftovers()).toEqual(NOTHING);
    },
    TIMEOUT_MS,
  );
});

function commandOf(pid: number): string {
  return Bun.spawnSync(["ps", "-p", String(pid), "-o", "args="])
    .stdout.toString()
    .trim();
}
