/** What looks at services, against a real engine: images that are here, what containers use, URLs for the local network. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Engine } from "../../routines/engine/connect-engine.ts";
import { listContainers } from "../../routines/engine/list-containers.ts";
import { findLanAddress } from "../../routines/host/find-lan-address.ts";
import type { ListedService } from "../../routines/ls.ts";
import type { ServiceInfo } from "../../routines/stack/describe-handle.ts";
import type { ServiceUsage } from "../../routines/stack/measure-stack.ts";
import type { MeasuredStorage } from "../../routines/stack/measure-storage.ts";
import { freePort } from "../_ports.ts";
import { until } from "../_until.ts";
import { engineOf, findTestEngine } from "./_engine.ts";
import { createSandbox, type Sandbox } from "./_sandbox.ts";

const found = await findTestEngine();
const TIMEOUT_MS = 60_000;
const lanAddress = await findLanAddress();

/** Writes a megabyte where it is not a volume, and what it has into one; then answers. */
const PAGE = `services:
  page:
    image: local/bun:1
    entrypoint: [bun, -e]
    command:
      - |
        await Bun.write("/written", "x".repeat(1_000_000));
        await Bun.write("/kept/file", "x".repeat(2_000_000));
        Bun.serve({ port: 80, fetch: () => new Response("x".repeat(100_000)) });
    init: true
    stop_grace_period: 0s
    ports: ["\${HARBOR_BIND_ADDRESS:-127.0.0.1}:\${HARBOR_PAGE_HOST_PORT:-1}:80"]
    volumes: [kept:/kept]
    networks: [harbor-network]
    healthcheck: { test: [CMD, bun, -e, "await fetch('http://127.0.0.1')"], interval: 200ms, retries: 50 }
volumes: { kept: {} }
x-harbor: { name: Page, tags: [frontend] }
`;

describe.skipIf(found.engine === undefined)("looking at a container", () => {
  let sandbox: Sandbox;
  let engine: Engine;
  let port: number;

  const json = async <T>(...words: string[]): Promise<T> => {
    const { code, stdout, stderr } = await sandbox.harbor([...words, "--json"]);
    if (code !== 0) throw new Error(`harbor ${words.join(" ")}: ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  };

  /** With a stand-in for the driver's tool, which says that the container's first process uses a GPU. */
  async function withGpuOf<T>(service: string, work: () => Promise<T>): Promise<T> {
    const [container] = await listContainers({ engine, project: sandbox.project });
    expect(container?.service).toBe(service);
    const { State } = await engine.get<{ State: { Pid: number } }>(`/containers/${container?.id}/json`);
    const { PATH } = sandbox.env;
    const folder = join(sandbox.home, "services/.gpu");
    mkdirSync(folder, { recursive: true });
    const script = `#!/bin/sh
case $1 in
  pmon) printf '# gpu pid type sm mem fb command\\n# Idx # C/G %% %% MB name\\n 0 ${State.Pid} C 42 3 100 x\\n' ;;
  *) printf '${State.Pid}, 2048\\n' ;;
esac
`;
    writeFileSync(join(folder, "nvidia-smi"), script, { mode: 0o755 });
    sandbox.env.PATH = `${folder}:${PATH}`;
    try {
      return await work();
    } finally {
      sandbox.env.PATH = PATH;
    }
  }

  beforeAll(async () => {
    engine = engineOf(found);
    sandbox = createSandbox(engine);
    port = freePort();
    sandbox.env.HARBOR_PAGE_HOST_PORT = String(port);
    sandbox.env.HARBOR_CAPABILITIES_AUTODETECT = "false";
    sandbox.env.NO_COLOR = "1";
    mkdirSync(join(sandbox.home, "services/page"), { recursive: true });
    writeFileSync(join(sandbox.home, "services/page/compose.page.yml"), PAGE);
  }, TIMEOUT_MS);
  afterAll(() => sandbox?.[Symbol.asyncDispose]());

  test("ls --installed has those whose images are here, and not those whose are not", async () => {
    const services = await json<ListedService[]>("ls", "--installed");
    expect(services.find((it) => it.handle === "page")?.installed).toEqual({ native: null, container: true });
    expect(services.some((it) => it.handle === "searxng")).toBe(false);
    expect((await sandbox.harbor(["ls", "--installed", "page"])).stdout).toContain(" container* ");
  });

  test(
    "stats has its processor, memory and network; size its image, what it has written and its volume",
    async () => {
      const up = await sandbox.harbor(["up", "page", "--no-defaults"]);
      expect([up.code, up.stderr]).toEqual([0, expect.not.stringContaining("error")]);
      const controller = new AbortController();
      const load = async (): Promise<void> => {
        while (!controller.signal.aborted) await (await fetch(`http://127.0.0.1:${port}/`)).text();
      };
      const loading = load();
      const [used] = await json<ServiceUsage[]>("stats", "page");
      controller.abort();
      await loading;
      const [onGpu] = await withGpuOf("page", () => json<ServiceUsage[]>("stats", "page"));
      expect([onGpu?.gpuPercent, onGpu?.gpuMemoryBytes]).toEqual([42, 2048 * 2 ** 20]);
      expect(used).toMatchObject({ handle: "page", runtime: "container", state: "running", gpuPercent: null, gpuMemoryBytes: null });
      expect(used?.memoryBytes).toBeGreaterThan(1e6);
      expect(used?.sentBytesPerSecond).toBeGreaterThan(100_000);
      expect(used?.receivedBytesPerSecond).toBeGreaterThan(100);

      const { services, total } = await json<Pick<MeasuredStorage, "services" | "total">>("size", "page");
      const [page] = services;
      expect(page?.imageList).toEqual([{ image: "local/bun:1", bytes: expect.any(Number), shared: expect.any(Number), isCurrent: true }]);
      expect((page?.images ?? 0) + (page?.shared ?? 0)).toBeGreaterThan(50e6);
      expect(page?.containers).toBeGreaterThanOrEqual(1_000_000);
      expect(page?.containers).toBeLessThan(3_000_000);
      expect(page?.volumes).toBeGreaterThanOrEqual(2_000_000);
      expect(total.total).toBe((page?.total ?? 0) + (total.shared ?? 0));
      expect((await sandbox.harbor(["size", "page"])).stdout).toMatch(/^ +image +\d+\.\d MB +local\/bun:1$/m);
    },
    TIMEOUT_MS,
  );

  test(
    "info, url --lan and qr say where the local network reaches it, once it is open to that",
    async () => {
      expect((await json<ServiceInfo>("info", "page")).urls).toMatchObject({ lan: [], internal: ["http://page:80"] });
      const refused = await sandbox.harbor(["qr", "page"]);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("harbor expose page")]);
      if (lanAddress === undefined) return; // this host is in no network
      expect((await sandbox.harbor(["config", "set", "bind_address", "0.0.0.0"])).code).toBe(0);
      expect((await sandbox.harbor(["up", "page", "--no-defaults"])).code).toBe(0);
      const url = `http://${lanAddress}:${port}`;
      expect((await json<ServiceInfo>("info", "page")).urls.lan).toEqual([url]);
      expect((await sandbox.harbor(["url", "--lan", "page"])).stdout).toBe(`${url}\n`);
      expect(await until(async () => (await fetch(url)).ok, "it answers there")).toBe(true);
      const { code, stdout } = await sandbox.harbor(["qr"]);
      const lines = stdout.trimEnd().split("\n");
      expect([code, lines.at(-1)]).toEqual([0, url]);
      expect(lines.length).toBeGreaterThan(15);
      expect(await json<object>("qr", "page")).toEqual({ handle: "page", url });
    },
    TIMEOUT_MS,
  );
});
