import { describe, expect, test } from "bun:test";
import type { Backend } from "../../../routines/launch/backends.ts";
import { chooseBackend } from "../../../routines/launch/choose-backend.ts";
import { findTool, TOOLS } from "../../../routines/launch/tools.ts";
import type { ServiceStatus } from "../../../routines/stack/observe-stack.ts";

const backend = (handle: string, more: Partial<Backend> = {}): Backend => ({
  ...{ handle, name: handle, apis: ["openai-api"], apiKey: undefined, hasModels: true },
  ...more,
});
const running = (handle: string, more: Partial<ServiceStatus> = {}): ServiceStatus => ({
  ...{ handle, runtime: "container", state: "running", health: "healthy", pid: null, container: null, ports: [], since: null },
  urls: [`http://127.0.0.1/${handle}`],
  ...more,
});

const choose = (backends: Backend[], services: ServiceStatus[], tool = "aider") =>
  chooseBackend({ tool: findTool(tool), backends, handles: [], named: undefined, services, choose: undefined });

describe("chooseBackend", () => {
  const all = [backend("gateway", { hasModels: false }), backend("llamacpp"), backend("one"), backend("two")];

  test("takes a native one before a container, a model server before a gateway", async () => {
    const services = [running("gateway", { runtime: "native" }), running("one"), running("two", { runtime: "native" })];
    const { backend: chosen, service, others } = await choose(all, services);
    expect([chosen.handle, service?.handle, others]).toEqual(["two", "two", ["one", "gateway"]]);
  });

  test("passes over what does not answer; one that sleeps does", async () => {
    const services = [
      running("one", { state: "exited", urls: [] }),
      running("two", { health: "unhealthy" }),
      running("gateway", { state: "asleep" }),
    ];
    expect((await choose(all, services)).backend.handle).toBe("gateway");
  });

  test("starts llamacpp where nothing runs, else the first that has models of its own", async () => {
    expect((await choose(all, [])).backend.handle).toBe("llamacpp");
    expect(await choose(all.toSpliced(1, 1), [])).toMatchObject({ backend: { handle: "one" }, service: undefined, others: ["two"] });
    expect((await choose(all.slice(0, 1), [])).backend.handle).toBe("gateway");
  });

  test("refuses where nothing speaks what the tool does", async () => {
    const refusal = await choose(all, [running("one")], "gemini").catch((error: unknown) => error);
    expect(refusal).toMatchObject({ exit: "missing", message: expect.stringContaining("it speaks the Gemini API, which no service") });
  });
});

describe("the table of tools", () => {
  test("has each name, program and alias once, and a document for each", () => {
    const words = TOOLS.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
    expect(new Set(words).size).toBe(words.length);
    expect(new Set(TOOLS.map(({ program }) => program)).size).toBe(TOOLS.length);
    for (const { docs, install } of TOOLS)
      expect([docs, install]).toEqual([expect.stringMatching(/^https:\/\//), expect.stringMatching(/\w/)]);
  });

  test.each(TOOLS)("$name hands the key on in its environment or a file alone, and any model as it is named", (tool) => {
    const [key, model] = ["sk-k3y", 'org/"odd" \\ model:8b'];
    const target = { api: tool.speaks[0], url: "http://127.0.0.1:1", model, key, contextLength: 8192, folder: "/f" };
    const { args = [], env = {}, files = {} } = tool.setUp(target);
    expect(args.join(" ")).not.toContain(key);
    expect(`${Object.values(env).join(" ")} ${Object.values(files).join(" ")}`).toContain(key);
    const texts = [...args, ...Object.values(env), ...Object.values(files)];
    expect(texts.some((text) => text.includes(model) || text.includes(JSON.stringify(model).slice(1, -1)))).toBe(true);
    for (const [path, text] of Object.entries(files)) if (!/\.(?:js|txt)$/.test(path)) JSON.parse(text);
    expect(Object.keys(files).every((path) => !path.startsWith("/") && !path.includes(".."))).toBe(true);
  });
});
