/** The conductor as people start it: with `harbor up`, natively and in a container, and a stack of four components around it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;
/** Degraded after three seconds of silence, offline after thirty more. */
const OFFLINE_MS = 40_000;
const COMPONENT = Bun.fileURLToPath(new URL("./_component.ts", import.meta.url));

/** A container beside the conductor's, to ask from. */
const NEIGHBOUR = `
services:
  neighbour:
    image: local/bun:1
    entrypoint: [bun, -e]
    command: ["setInterval(() => {}, 1e6)"]
    init: true
    stop_grace_period: 0s
    networks: [harbor-network]
`;

describe.skipIf(found.engine === undefined)("the conductor", () => {
  let engine: Engine;
  let sandbox: Sandbox;
  let url: string;
  let token: string;
  const components = new Map<string, Component>();

  beforeAll(() => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    const port = freePort();
    url = `http://127.0.0.1:${port}`;
    Object.assign(sandbox.env, {
      HARBOR_CONDUCTOR_HOST_PORT: String(port),
      HARBOR_CONDUCTOR_HEARTBEAT_INTERVAL: "1",
      HARBOR_CAPABILITIES_AUTODETECT: "false",
      // the stand-in for the image on the registry, which tests cannot reach
      HARBOR_CONDUCTOR_IMAGE: "local/bun",
      HARBOR_CONDUCTOR_VERSION: "1",
    });
    const folder = join(sandbox.home, "services/neighbour");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "compose.neighbour.yml"), NEIGHBOUR);
  });
  afterEach(async () => {
    for (const component of components.values()) await component.kill();
    components.clear();
    expect((await sandbox.harbor(["down"])).code).toBe(0);
    expect((await sandbox.leftovers()).processes).toEqual([]);
  }, TIMEOUT_MS);
  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  async function up(...words: string[]): Promise<void> {
    const { code, stderr } = await sandbox.harbor(["up", "--no-defaults", ...words]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.any(String) });
    token = (await sandbox.harbor(["config", "get", "conductor.token"])).stdout.trim();
    expect(token.length).toBeGreaterThan(20);
  }

  // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it, it says itself
  async function ask(path: string, body?: unknown): Promise<any> {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    return (await fetch(url + path, { ...init, headers: { authorization: `Bearer ${token}` } })).json();
  }

  class Component {
    readonly #child: Bun.Subprocess<"ignore", "pipe", "inherit">;
    #url = "";

    constructor(name: string, capabilities: string) {
      this.#child = Bun.spawn([process.execPath, COMPONENT, url, name, capabilities], {
        env: { PATH: process.env.PATH, TOKEN: token },
        stdio: ["ignore", "pipe", "inherit"],
      });
    }

    async ready(): Promise<this> {
      const { value } = await this.#child.stdout.getReader().read();
      this.#url = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}`;
      return this;
    }

    // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it, it says itself
    async do(order: object): Promise<any> {
      return (await fetch(`${this.#url}/do`, { method: "POST", body: JSON.stringify(order) })).json();
    }

    // biome-ignore lint/suspicious/noExplicitAny: what a test expects of it, it says itself
    async heard(): Promise<{ messages: any[]; events: any[]; commands: any[] }> {
      return (await fetch(`${this.#url}/heard`)).json() as ReturnType<Component["heard"]>;
    }

    async kill(): Promise<void> {
      this.#child.kill("SIGKILL");
      await this.#child.exited;
    }
  }

  async function startComponent(name: string, capabilities: string): Promise<Component> {
    const component = await new Component(name, capabilities).ready();
    components.set(name, component);
    return component;
  }

  const statusOf = async (id: string): Promise<string> => (await ask(`/services/${id}`)).status;

  test(
    "four components register, beat, talk and share; one dies, goes degraded, then offline, and comes back",
    async () => {
      await up("-x", "conductor");
      const [hub, nsds, archive, narrator] = await Promise.all([
        startComponent("sherlock-hub", "entity-analysis"),
        startComponent("nsds", "search"),
        startComponent("archive", "search"),
        startComponent("narrator", "reports"),
      ]);
      const ids = ["archive-001", "narrator-001", "nsds-001", "sherlock-hub-001"];
      await until(async () => (await ask("/services?status=healthy")).total === 4, "all are healthy", 10_000);
      expect((await ask("/services")).services.map((it: { component_id: string }) => it.component_id).sort()).toEqual(ids);
      const dashboard = await ask("/dashboard");
      expect(dashboard).toMatchObject({ overall_status: "healthy", components_total: 4, components_by_status: { healthy: 4 } });
      expect(dashboard.components.map((it: { component_id: string }) => it.component_id).sort()).toEqual(ids);

      // messages, in order; a broadcast; requests, by name and by capability; routing; shared state
      for (const n of [1, 2, 3]) expect((await hub.do({ send: { to: "narrator", payload: n } })).result).toBeString();
      expect((await narrator.do({ broadcast: "good evening" })).result).toBe(3);
      await until(async () => (await narrator.heard()).messages.length === 3, "the messages");
      expect((await narrator.heard()).messages).toEqual([1, 2, 3].map((payload) => ({ from: "sherlock-hub-001", payload })));
      for (const each of [hub, nsds, archive]) {
        await until(async () => (await each.heard()).messages.length === 1, "the broadcast");
        expect((await each.heard()).messages).toEqual([{ from: "narrator-001", payload: "good evening" }]);
      }
      expect(await hub.do({ request: { to: "narrator", type: "who" } })).toEqual({ result: "narrator" });
      expect(["nsds", "archive"]).toContain((await hub.do({ request: { to: "search", type: "who" } })).result);
      const routed = await fetch(`${url}/route/search/`, { headers: { authorization: `Bearer ${token}` } });
      expect(["nsds", "archive"]).toContain(await routed.text());
      const { result: first } = await hub.do({ put: { key: "scan/mode", value: { depth: 2 } } });
      expect((await nsds.do({ get: "scan/mode" })).result).toMatchObject({ value: { depth: 2 }, version: first.version });
      expect((await archive.do({ put: { key: "scan/mode", value: 3, ifVersion: first.version } })).result).toMatchObject({ value: 3 });
      expect(await narrator.do({ put: { key: "scan/mode", value: 4, ifVersion: first.version } })).toEqual({ error: "version_mismatch" });

      // one dies
      await nsds.kill();
      await until(async () => (await statusOf("nsds-001")) === "degraded", "it is degraded", 10_000);
      const degradedAt = performance.now();
      for (let count = 0; count < 6; count++) {
        expect(await hub.do({ request: { to: "search", type: "who" } })).toEqual({ result: "archive" });
        const answer = await fetch(`${url}/route/search/`, { headers: { authorization: `Bearer ${token}` } });
        expect(await answer.text()).toBe("archive");
      }
      expect(await ask("/dashboard")).toMatchObject({ overall_status: "degraded", components_by_status: { healthy: 3, degraded: 1 } });
      const told = expect.objectContaining({ command: "peer_status", component_id: "nsds-001", status: "degraded" });
      for (const each of [hub, archive, narrator]) {
        await until(async () => (await each.heard()).commands.some((it) => it.status === "degraded"), "it is told with a heartbeat");
        const { commands, events } = await each.heard();
        expect(commands).toContainEqual(told);
        const types = events.filter(({ data }) => data?.component_id === "nsds-001").map(({ type }) => type);
        expect(types).toContain("component-degraded");
        expect(types).toContain("alert-firing");
      }
      // messages wait for it
      expect((await hub.do({ send: { to: "nsds", payload: "while you were away" } })).result).toBeString();
      await until(async () => (await statusOf("nsds-001")) === "offline", "it is offline", OFFLINE_MS);
      expect(performance.now() - degradedAt).toBeGreaterThan(25_000);
      expect(await ask("/dashboard")).toMatchObject({ overall_status: "critical" });

      // and comes back
      const again = await startComponent("nsds", "search");
      await until(async () => (await statusOf("nsds-001")) === "healthy", "it is healthy", 10_000);
      await until(async () => (await again.heard()).messages.length === 1, "what waited for it");
      expect((await again.heard()).messages).toEqual([{ from: "sherlock-hub-001", payload: "while you were away" }]);
      expect(await ask("/dashboard")).toMatchObject({ overall_status: "healthy" });
      await until(
        async () => (await hub.heard()).events.some(({ type, data }) => type === "component-replaced" && data.component_id === "nsds-001"),
        "others hear of it",
      );
    },
    OFFLINE_MS + TIMEOUT_MS,
  );

  /** Runs a script of bun's in the neighbour's container; gives its stdout. */
  async function runInNeighbour(script: string): Promise<string> {
    const words = ["docker", "exec", `${sandbox.project}-neighbour-1`, "bun", "-e", script];
    const { exit, stdout, stderr } = await resultOf(Bun.spawn(words, { stdout: "pipe", stderr: "pipe" }));
    if (exit !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  const registerAs = (component: string): string => {
    const body = JSON.stringify({ component, port: 4_001, health_check_url: "/" });
    const headers = JSON.stringify({ authorization: `Bearer ${token}` });
    return `const r = await fetch("http://conductor:8888/register", { method: "POST", headers: ${headers}, body: ${JSON.stringify(body)} }); console.log(r.status);`;
  };

  test(
    "natively, containers reach it by its name",
    async () => {
      await up("-x", "conductor", "neighbour");
      expect(await runInNeighbour(registerAs("inside"))).toBe("201");
      expect((await ask("/services/inside-001")).component_id).toBe("inside-001");
    },
    TIMEOUT_MS,
  );

  test(
    "in a container it is healthy, without root and with nothing to write to but its data; host and containers reach it",
    async () => {
      await up("conductor", "neighbour");
      const [row] = (
        JSON.parse((await sandbox.harbor(["ps", "--json"])).stdout) as { handle: string; runtime: string; health: string }[]
      ).filter(({ handle }) => handle === "conductor");
      expect(row).toMatchObject({ runtime: "container", health: "healthy" });
      const { HostConfig: host, Config: config } = await engine.api.getContainer(`${sandbox.project}-conductor-1`).inspect();
      expect(host).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges:true"] });
      expect(config.User).toMatch(/^\d+:\d+$/);
      expect((await ask("/register", { component: "outside", port: 4_001 })).component_id).toBe("outside-001");
      expect(await runInNeighbour(registerAs("inside"))).toBe("201");
      await ask("/queue/send", { to: "inside", payload: 1 });
      // what it keeps is on the host: another container of it knows it again
      expect((await sandbox.harbor(["restart", "conductor"])).code).toBe(0);
      const isKnown = async (id: string): Promise<boolean> => (await ask(`/services/${id}`).catch(() => undefined))?.component_id === id;
      await until(async () => (await isKnown("inside-001")) && isKnown("outside-001"), "both are known again", 20_000);
      expect((await ask("/queue/receive?component=inside")).messages).toMatchObject([{ payload: 1 }]);
    },
    TIMEOUT_MS,
  );
});
