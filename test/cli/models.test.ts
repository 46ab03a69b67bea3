/**
 * `harbor models` as a person runs it, on folders as the real programs make them, with a stand-in for Ollama (test/fixtures/ollama-server.ts)
 * that `harbor up -x ollama` starts, and one for the hub (test/fixtures/model-hub.ts). No engine, and nothing of the world outside.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ListedModel } from "../../routines/models/list-models.ts";
import { freePort } from "../_ports.ts";
import { obeyingModes, type Result, resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { ggufFile, ggufValues, safetensorsFile } from "../fixtures/gguf-file.ts";
import { type ModelHub, startModelHub } from "../fixtures/model-hub.ts";
import { writeOllamaModel } from "../fixtures/ollama-folder.ts";
import type { OllamaSwitches } from "../fixtures/ollama-server.ts";
import { checkout, readUntil, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let hub: ModelHub;
let env: Record<string, string>;
let ollamaPort: number;

const Q4 = ggufFile({ weights: 200_000 });
const Q8 = ggufFile({ values: ggufValues({ fileType: 7 }), weights: 300_000 });
const WEIGHTS = ggufFile({ weights: 2_000_000 });

const HUB_MODELS = {
  "ggml-org/gemma-GGUF": { "README.md": "x", "gemma-Q4_K_M.gguf": Q4, "gemma-Q8_0.gguf": Q8 },
  "Qwen/Qwen3-0.6B": {
    "config.json": '{"model_type": "qwen3", "torch_dtype": "bfloat16"}',
    "model.safetensors": safetensorsFile({ BF16: 5000 }),
  },
  "Systran/faster-whisper-small": { "config.json": "{}", "model.bin": new Uint8Array(40_000) },
  "Comfy-Org/parts": { "split_files/vae/ae.safetensors": safetensorsFile({ F32: 9000 }), "top.safetensors": safetensorsFile() },
};

beforeAll(async () => {
  box = await Sandbox.create();
  ollamaPort = freePort();
  hub = await startModelHub({
    models: HUB_MODELS,
    facts: {
      "ggml-org/gemma-GGUF": {
        tags: ["gguf", "text-generation"],
        pipeline_tag: "text-generation",
        downloads: 123_456,
        likes: 7,
        lastModified: "2026-05-06T07:08:09.000Z",
      },
      "Qwen/Qwen3-0.6B": { tags: ["safetensors"], pipeline_tag: "text-generation", downloads: 5_000_000, likes: 800, gated: "manual" },
      "Systran/faster-whisper-small": { tags: ["ctranslate2"], pipeline_tag: "automatic-speech-recognition", downloads: 12 },
    },
  });
  env = {
    HF_ENDPOINT: hub.endpoint,
    HARBOR_OLLAMA_HOST_PORT: String(ollamaPort),
    OLLAMA_MODELS: join(box.root, ".ollama/models"),
    PATH: `${join(box.root, "bin")}:${box.env.PATH}`,
  };
  box.write({
    "bin/ollama": `#!/bin/sh\nexec env STAND_IN_REGISTRY='${registry()}' '${process.execPath}' '${join(checkout, "test/fixtures/ollama-server.ts")}' "$@"\n`,
  });
  chmodSync(join(box.root, "bin/ollama"), 0o755);
});
afterAll(async () => {
  await hub.stop();
  await box.remove();
});

beforeEach(() => {
  mkdirSync(registry(), { recursive: true });
});
afterEach(async () => {
  await run("down");
  for (const folder of [data(), registry(), join(box.root, ".cache"), join(box.root, ".ollama")])
    rmSync(folder, { recursive: true, force: true });
  hub.switches.status = undefined;
  hub.switches.bytesPerSecond = undefined;
  hub.requests.length = 0;
});

function data(...parts: string[]): string {
  return join(box.home, "data", ...parts);
}

function registry(...parts: string[]): string {
  return join(box.root, "registry", ...parts);
}

function run(...words: string[]): Promise<Result> {
  return box.run(words, { env });
}

function models(...words: string[]): Promise<ListedModel[]> {
  return box.json<ListedModel[]>(["models", "ls", ...words], { env });
}

function put(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function switchOllama(switches: OllamaSwitches): void {
  put(registry("switches.json"), JSON.stringify(switches));
}

/** What the stand-in was asked. */
function asked(): string[] {
  return existsSync(registry("requests.log")) ? readFileSync(registry("requests.log"), "utf8").trim().split("\n") : [];
}

async function up(): Promise<void> {
  expect(await run("up", "-x", "ollama")).toMatchObject({ exit: 0 });
}

/** Everything below a folder with its times of change. */
function snapshot(folder: string): string[] {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return all.map((path) => `${path} ${statSync(join(folder, path)).mtimeMs}`).sort();
}

describe("harbor models ls", () => {
  function fill(): void {
    writeOllamaModel(data("ollama/models"), "llama3.2:1b", { model: WEIGHTS, license: "MIT" });
    writeOllamaModel(data("ollama/models"), "tuned", { model: WEIGHTS, template: "x" });
    put(data("llamacpp/tiny-Q4_K_M.gguf"), Q4);
    put(data("comfyui/models/loras/ink.safetensors"), safetensorsFile());
    put(join(box.root, ".cache/huggingface/hub/models--org--mine/snapshots/1/model.bin"), "12345");
    utimesSync(data("llamacpp/tiny-Q4_K_M.gguf"), new Date(Date.now() - 5.5 * 86_400_000), new Date("2026-01-01"));
  }

  test("is one table of all folders, without engine, network or any service started (D13), and writes nothing (D12)", async () => {
    fill();
    const before = [snapshot(box.home), snapshot(join(box.root, ".cache"))];
    const { exit, stdout, stderr } = await run("models", "ls");
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["NAME", "STORE", "SIZE", "QUANT", "USED BY", "LAST USED"],
      ["loras/ink.safetensors", "comfyui", "2.1 kB", "F16", "comfyui", "-"],
      ["tiny-Q4_K_M", "llamacpp", "200.2 kB", "Q4_K_M", "llamacpp", "5 d ago"],
      ["llama3.2:1b", "ollama", "2.0 MB", "Q8_0", "ollama", "-"],
      ["tuned:latest", "ollama", "2.0 MB", "Q8_0", "ollama", "-"],
      ["org/mine", "user:hf", "5 B", "-", "-", "-"],
      [""],
      [expect.stringMatching(/^5 models, 2\.2 MB on disk, what they share counted once$/)],
      [""],
    ]);
    expect([snapshot(box.home), snapshot(join(box.root, ".cache"))]).toEqual(before);
    expect([hub.requests, asked()]).toEqual([[], []]);
  });

  test("has all of it as JSON", async () => {
    fill();
    const found = await models("tiny");
    expect(found).toEqual([
      {
        name: "tiny-Q4_K_M",
        store: "llamacpp",
        service: "llamacpp",
        isLoaded: null,
        isComplete: true,
        bytes: Q4.length,
        sharedBytes: 0,
        format: "gguf",
        quantisation: "Q4_K_M",
        architecture: "llama",
        parameters: "1.2B",
        contextLength: 4096,
        path: data("llamacpp/tiny-Q4_K_M.gguf"),
        modifiedAt: "2026-01-01T00:00:00.000Z",
        lastUsedAt: expect.any(String),
      },
    ]);
    expect(
      (await models("--store", "ollama")).map(({ sharedBytes, bytes }) => sharedBytes >= WEIGHTS.length && sharedBytes < bytes),
    ).toEqual([true, true]);
  });

  test("filters by words and stores, and sorts", async () => {
    fill();
    const names = async (...words: string[]): Promise<string[]> => (await models(...words)).map(({ name }) => name);
    expect(await names("LLAMA", "1b")).toEqual(["llama3.2:1b"]);
    expect(await names("--store", "hf,llamacpp")).toEqual(["tiny-Q4_K_M", "org/mine"]);
    expect((await names("--sort", "size")).at(-1)).toBe("org/mine");
    expect((await names("--sort", "used"))[0]).toBe("tiny-Q4_K_M");
    expect((await names("--sort", "name"))[0]).toBe("llama3.2:1b");
    expect(await run("models", "ls", "--sort", "colour")).toMatchObject({
      exit: 2,
      stderr: 'harbor: Cannot sort models by "colour"\n  By name, size, store, used, modified\n',
    });
    expect(await run("models", "ls", "--store", "olama")).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('did you mean "ollama"?'),
    });
  });

  test("of nothing says what to do", async () => {
    expect(await run("models", "ls")).toMatchObject({ exit: 0, stdout: "", stderr: expect.stringContaining("harbor models pull") });
    expect(await models()).toEqual([]);
  });

  test("goes on where one service's folder is broken", async () => {
    fill();
    box.services({ "broken/compose.broken.yml": "x-harbor:\n  models: 7\nservices: { broken: { image: 'x:1' } }\n" });
    const { exit, stdout, stderr } = await run("models", "ls", "tiny");
    expect({ exit, stderr }).toMatchObject({ exit: 0, stderr: expect.stringContaining('Cannot read where "broken" keeps its models') });
    expect(stdout).toContain("tiny-Q4_K_M");
    rmSync(join(box.home, "services"), { recursive: true });
  });

  test("asks a running Ollama, also where a proxy of the environment leads elsewhere", async () => {
    fill();
    await up();
    await fetch(`http://127.0.0.1:${ollamaPort}/api/generate`, { method: "POST", body: JSON.stringify({ model: "tuned" }) });
    const proxy = { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" };
    const { stdout } = await box.run(["models", "ls", "--store", "ollama"], { env: { ...env, ...proxy } });
    expect(stdout).toMatch(/^tuned:latest .* ollama, loaded /m);
    expect(await models("--store", "ollama")).toMatchObject([
      { name: "llama3.2:1b", isLoaded: false, quantisation: "Q8_0", contextLength: 4096 },
      { name: "tuned:latest", isLoaded: true },
    ]);
    expect(asked()).toContain("GET /api/tags");
  });

  test("does not wake one that sleeps", async () => {
    const contract = readFileSync(join(checkout, "services/ollama/ollama_native.yml"), "utf8");
    box.services({
      "ollama/compose.ollama.yml": readFileSync(join(checkout, "services/ollama/compose.ollama.yml"), "utf8"),
      "ollama/ollama_native.yml": `${contract}  idle: { stop_after: 100ms }\n`,
    });
    fill();
    await up();
    await until(async () => (await box.ps()).some(({ state }) => state === "asleep"), "it sleeps");
    const before = asked().length;
    expect(await models("--store", "ollama")).toMatchObject([{ name: "llama3.2:1b", isLoaded: null }, { name: "tuned:latest" }]);
    expect([asked().length, (await box.ps())[0]?.state]).toEqual([before, "asleep"]);
    await run("down");
    rmSync(join(box.home, "services"), { recursive: true });
  });

  test("shows what a server has that keeps its models elsewhere, by what it says", async () => {
    writeOllamaModel(data("ollama/models"), "far:1b", { model: WEIGHTS });
    await up();
    const found = await box.json<ListedModel[]>(["models", "ls"], {
      env: { ...env, HARBOR_DATA: join(box.root, "elsewhere") },
    });
    expect(found).toMatchObject([
      { name: "far:1b", path: null, bytes: expect.any(Number), quantisation: "Q8_0", contextLength: 8192, modifiedAt: null },
    ]);
  });
});

describe("harbor models path", () => {
  test("prints the file or folder, and nothing else", async () => {
    put(data("llamacpp/tiny-Q4_K_M.gguf"), Q4);
    expect(await run("models", "path", "tiny-q4_k_m")).toEqual({ exit: 0, stdout: `${data("llamacpp/tiny-Q4_K_M.gguf")}\n`, stderr: "" });
    expect(await run("models", "path", "tinny-Q4_K_M")).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('did you mean "tiny-Q4_K_M"?'),
    });
    expect(await run("models", "path")).toMatchObject({ exit: 2 });
  });
});

describe("harbor models pull", () => {
  test("of a quantisation goes where llama-server looks, verified, and is there the next time without asking", async () => {
    const first = await run("models", "pull", "ggml-org/gemma-GGUF:Q8_0");
    expect(first).toMatchObject({ exit: 0, stderr: expect.stringContaining("ggml-org/gemma-GGUF:Q8_0 is in llamacpp (300.2 kB)") });
    const path = first.stdout.trim();
    expect(path).toStartWith(data("llamacpp/.cache/models--ggml-org--gemma-GGUF/snapshots/"));
    expect(Bun.hash(readFileSync(path))).toBe(Bun.hash(Q8));
    expect((await models()).map(({ name, quantisation }) => [name, quantisation])).toEqual([["ggml-org/gemma-GGUF:Q8_0", "Q8_0"]]);
    hub.requests.length = 0;
    expect(await run("models", "pull", "ggml-org/gemma-GGUF:Q8_0")).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining("is already in llamacpp"),
    });
    expect(hub.requests).toEqual([]);
  });

  test("without a quantisation takes llama.cpp's favourite, and says which others there are", async () => {
    const { exit, stderr } = await run("models", "pull", "ggml-org/gemma-GGUF");
    expect({ exit, stderr }).toMatchObject({ exit: 0, stderr: expect.stringContaining("taking Q4_K_M; others: ggml-org/gemma-GGUF:Q8_0") });
    expect((await models()).map(({ name }) => name)).toEqual(["ggml-org/gemma-GGUF:Q4_K_M"]);
  });

  test.each([
    ["Systran/faster-whisper-small", "speaches", "speaches/models--Systran--faster-whisper-small"],
    ["Qwen/Qwen3-0.6B", "vllm", "vllm/hub/models--Qwen--Qwen3-0.6B"],
  ])("of %s goes to %s, as the hub says what it is for", async (name, store, folder) => {
    expect(await box.json<object>(["models", "pull", name], { env })).toMatchObject({
      name,
      store,
      path: expect.stringContaining(data(folder)),
      wasPresent: false,
    });
    expect(await models()).toMatchObject([{ name, store, isComplete: true }]);
  });

  test("of a file for ComfyUI goes to its kind, by the path or by --kind", async () => {
    const url = `${hub.endpoint}/Comfy-Org/parts/resolve/main`;
    expect((await run("models", "pull", `${url}/split_files/vae/ae.safetensors`)).stdout.trim()).toBe(
      data("comfyui/models/vae/ae.safetensors"),
    );
    expect(await run("models", "pull", `${url}/top.safetensors`)).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("Say it with --kind: checkpoints"),
    });
    expect((await run("models", "pull", `${url}/top.safetensors`, "--kind", "loras")).stdout.trim()).toBe(
      data("comfyui/models/loras/top.safetensors"),
    );
    expect(await run("models", "pull", `${url}/top.safetensors`, "--kind", "../../x")).toMatchObject({ exit: 2 });
    expect(await run("models", "pull", "Comfy-Org/parts", "--store", "comfyui")).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("It has split_files/vae/ae.safetensors"),
    });
    expect(readdirSync(data("comfyui/models")).sort()).toEqual(["loras", "vae"]);
  });

  test("of a file from elsewhere goes where llama-server looks, with all its parts; a wrong checksum leaves nothing", async () => {
    const part = ggufFile({ weights: 5000 });
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) => (url.includes("/big-") ? new Response(part) : new Response(Q4)),
    });
    const one = await run("models", "pull", `${server.url}one-Q4_K_M.gguf`);
    expect(one).toMatchObject({
      exit: 0,
      stdout: `${data("llamacpp/one-Q4_K_M.gguf")}\n`,
      stderr: expect.stringContaining("no checksum of it is known"),
    });
    expect((await run("models", "pull", `${server.url}big-Q8_0-00002-of-00003.gguf`)).stdout).toBe(`${data("llamacpp/big-Q8_0")}\n`);
    expect(readdirSync(data("llamacpp/big-Q8_0"))).toHaveLength(3);
    expect(await run("models", "pull", `${server.url}two.gguf`, "--sha256", "0".repeat(64))).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("its checksum is not the right one"),
    });
    expect(await run("models", "pull", `${server.url}page.safetensors`, "--kind", "loras")).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("what came is no such file"),
    });
    expect((await models()).map(({ name, isComplete }) => [name, isComplete])).toEqual([
      ["big-Q8_0", true],
      ["one-Q4_K_M", true],
    ]);
    expect(readdirSync(data("llamacpp")).sort()).toEqual(["big-Q8_0", "one-Q4_K_M.gguf"]);
  });

  test("that is interrupted goes on where it was", async () => {
    hub.switches.bytesPerSecond = 400_000;
    const child = box.start(["models", "pull", "ggml-org/gemma-GGUF:Q8_0"], { env });
    const staged = data("llamacpp/.cache/.locks/models--ggml-org--gemma-GGUF/harbor/blobs");
    await until(
      () => existsSync(staged) && readdirSync(staged).some((name) => statSync(join(staged, name)).size > 60_000),
      "something was received",
    );
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect(await models()).toMatchObject([{ name: "ggml-org/gemma-GGUF", isComplete: false }]);
    hub.switches.bytesPerSecond = undefined;
    expect(await run("models", "pull", "ggml-org/gemma-GGUF:Q8_0")).toMatchObject({ exit: 0 });
    expect(hub.requests.at(-1)?.range).toMatch(/^bytes=[1-9]/);
  });

  test.each([
    [["nobody/nothing"], 4, "if it is one of Ollama's: --store ollama"],
    [["ggml-org/gemma-GGUF:Q5_0"], 4, "It has Q4_K_M (200.2 kB), Q8_0 (300.2 kB)"],
    [["Qwen/Qwen3-0.6B", "--store", "vlm"], 4, 'did you mean "vllm"?'],
    [["Qwen/Qwen3-0.6B", "--store", "llamacpp"], 2, "it has no GGUF files, and llamacpp reads no others"],
    [["llama3.2", "--store", "vllm"], 2, "that is a name of Ollama's"],
    [["../../etc/passwd"], 2, "that can be the name of no model"],
    [["https://example.com/page"], 2, "it leads neither to a .gguf or .safetensors file"],
    [["x/y", "--sha256", "abc"], 2, "it is no SHA-256 checksum"],
  ])("%j ends in %p, and says why", async (words, exit, why) => {
    const found = await run("models", "pull", ...words);
    expect(found).toMatchObject({ exit, stdout: "", stderr: expect.stringContaining(why) });
  });

  test("into a cache of the user's own is refused", async () => {
    mkdirSync(join(box.root, ".cache/huggingface/hub"), { recursive: true });
    expect(await run("models", "pull", "Qwen/Qwen3-0.6B", "--store", "hf")).toMatchObject({
      exit: 2,
      stderr: expect.stringContaining("a cache of your own"),
    });
    expect(readdirSync(join(box.root, ".cache/huggingface/hub"))).toEqual([]);
  });

  test("without a network says so, and what is here stays usable", async () => {
    const offline = { ...env, HF_ENDPOINT: `http://127.0.0.1:${freePort()}` };
    expect(await box.run(["models", "pull", "Qwen/Qwen3-0.6B"], { env: { ...offline, HF_HUB_OFFLINE: "1" } })).toMatchObject({ exit: 3 });
    await run("models", "pull", "Qwen/Qwen3-0.6B");
    expect(await box.run(["models", "pull", "Qwen/Qwen3-0.6B"], { env: { ...offline, HF_HUB_OFFLINE: "1" } })).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining("is already in vllm"),
    });
  });

  test("keeps the token out of the process list and the output", async () => {
    const secret = "hf_verysecretverysecretverysecretverysec";
    hub.switches.bytesPerSecond = 400_000;
    const child = box.start(["models", "pull", "ggml-org/gemma-GGUF:Q4_K_M", "--debug"], { env: { ...env, HARBOR_HF_TOKEN: secret } });
    await until(() => hub.requests.some(({ at }) => at === "cdn"), "it is fetched");
    const line = process.platform === "linux" ? readFileSync(`/proc/${child.pid}/cmdline`, "utf8") : "";
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect(`${line}${stdout}${stderr}`).not.toContain(secret);
    expect(hub.requests.filter(({ at }) => at === "hub").map(({ authorization }) => authorization)).toContain(`Bearer ${secret}`);
    expect(hub.requests.filter(({ at }) => at === "cdn").map(({ authorization }) => authorization)).toEqual([undefined]);
  });
});

describe("harbor models pull of one of Ollama's", () => {
  beforeEach(() => {
    writeOllamaModel(registry(), "llama3.2:1b", { model: WEIGHTS, license: "MIT", template: "{{ .Prompt }}" });
    writeOllamaModel(registry(), "hf.co/org/x:Q4_0", { model: Q4 });
  });

  test("says how to start it where it does not run", async () => {
    expect(await run("models", "pull", "llama3.2:1b")).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining("Start it: harbor up ollama"),
    });
    expect(await run("models", "pull", "hf.co/org/x:Q4_0")).toMatchObject({ exit: 3, stderr: expect.stringContaining("--store llamacpp") });
  });

  test("is fetched by it, with progress, and is there the next time", async () => {
    await up();
    switchOllama({ bytesPerSecond: 8_000_000 });
    const { exit, stdout, stderr } = await run("models", "pull", "llama3.2:1b");
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: "llama3.2:1b\n" });
    expect(stderr).toMatch(/^llama3\.2:1b: \d+ %, .* of 2\.0 MB/m);
    expect(stderr).toContain("llama3.2:1b is in ollama (2.0 MB)");
    expect(await models()).toMatchObject([{ name: "llama3.2:1b", store: "ollama", isComplete: true }]);
    expect(await run("models", "pull", "llama3.2:1b")).toMatchObject({ exit: 0, stderr: expect.stringContaining("is already in ollama") });
    expect(await box.json<object>(["models", "pull", "hf.co/org/x:Q4_0"], { env })).toMatchObject({
      name: "hf.co/org/x:Q4_0",
      store: "ollama",
      path: null,
    });
  });

  test("ends with Ctrl-C, which Ollama hears; the next call goes on from there", async () => {
    await up();
    switchOllama({ bytesPerSecond: 500_000 });
    const child = box.start(["models", "pull", "llama3.2:1b"], { env });
    await readUntil(child.stderr, /[1-9]\d* %/);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    await until(() => asked().includes("pull was cancelled"), "Ollama heard of it");
    switchOllama({});
    expect(await run("models", "pull", "llama3.2:1b")).toMatchObject({ exit: 0 });
    const resumed = asked().filter((line) => /^layer .* from [1-9]/.test(line));
    expect(resumed).toHaveLength(1);
  });

  test.each([
    ["it has no such model", {}, "nosuch", 4, 'Cannot fetch model "nosuch": Ollama says: pull model manifest: file does not exist'],
    ["there is no space", { claims: 9e15 }, "llama3.2:1b", 1, 'Cannot fetch model "llama3.2:1b": no space: '],
    [
      "it ends too early",
      { endsAfter: 3 },
      "llama3.2:1b",
      1,
      'Cannot fetch model "llama3.2:1b": the connection to Ollama broke off: it ended too early',
    ],
  ])("says so where %s", async (_, switches, name, exit, message) => {
    await up();
    switchOllama(switches);
    expect(await run("models", "pull", name)).toMatchObject({ exit, stdout: "", stderr: expect.stringContaining(`harbor: ${message}`) });
  });
});

describe("harbor models rm", () => {
  test("asks nobody who is not there, and takes --yes", async () => {
    put(data("llamacpp/tiny-Q4_K_M.gguf"), Q4);
    expect(await run("models", "rm", "tiny-Q4_K_M")).toMatchObject({ exit: 2, stderr: expect.stringContaining("Say --yes") });
    expect(await run("models", "rm", "tiny-Q4_K_M", "--yes")).toEqual({
      exit: 0,
      stdout: "",
      stderr: "harbor: removed tiny-Q4_K_M from llamacpp: 200.2 kB are free\n",
    });
    expect(readdirSync(data("llamacpp"))).toEqual([]);
  });

  test.skipIf(Bun.which("script") === null)("asks on a terminal; nothing but yes is yes (needs script)", async () => {
    put(data("llamacpp/tiny-Q4_K_M.gguf"), Q4);
    const answer = async (word: string): Promise<string> => {
      const words = [join(checkout, "bin/harbor"), "models", "rm", "tiny-Q4_K_M"];
      const shell = Bun.spawn(["script", "-qec", words.join(" "), "/dev/null"], {
        cwd: box.root,
        env: { ...box.env, ...env },
        stdin: "pipe",
        stdout: "pipe",
        stderr: "pipe",
      });
      void Promise.resolve(shell.stdin.write(`${word}\n`)).then(() => shell.stdin.flush());
      return await shell.stdout.text();
    };
    expect(await answer("")).toContain("Remove tiny-Q4_K_M from llamacpp, which frees 200.2 kB? [y/N]");
    expect(existsSync(data("llamacpp/tiny-Q4_K_M.gguf"))).toBe(true);
    expect(await answer("y")).toContain("removed tiny-Q4_K_M");
    expect(existsSync(data("llamacpp/tiny-Q4_K_M.gguf"))).toBe(false);
  });

  test("frees what nothing else uses, and says how much", async () => {
    writeOllamaModel(data("ollama/models"), "a:1b", { model: WEIGHTS, template: "a" });
    writeOllamaModel(data("ollama/models"), "b:1b", { model: WEIGHTS, template: "b" });
    const first = await box.json<{ freedBytes: number }[]>(["models", "rm", "a:1b", "--yes"], { env });
    expect(first).toEqual([{ name: "a:1b", store: "ollama", freedBytes: 1 }] as never);
    expect(await models()).toMatchObject([{ name: "b:1b", isComplete: true }]);
    const [second] = await box.json<{ freedBytes: number }[]>(["models", "rm", "b:1b", "--yes"], { env });
    expect(second?.freedBytes).toBeGreaterThan(WEIGHTS.length);
    expect(readdirSync(data("ollama/models/blobs"))).toEqual([]);
  });

  test("of several models counts what they share with the last of them", async () => {
    writeOllamaModel(data("ollama/models"), "a:1b", { model: WEIGHTS, template: "a" });
    writeOllamaModel(data("ollama/models"), "b:1b", { model: WEIGHTS, template: "b" });
    const [first, second] = await box.json<{ freedBytes: number }[]>(["models", "rm", "a:1b", "b:1b", "--yes"], { env });
    expect([first?.freedBytes, (second?.freedBytes ?? 0) > WEIGHTS.length]).toEqual([1, true]);
    expect(await models()).toEqual([]);
  });

  test("has a running Ollama do it, and refuses what it has loaded unless forced", async () => {
    writeOllamaModel(data("ollama/models"), "a:1b", { model: WEIGHTS });
    await up();
    await fetch(`http://127.0.0.1:${ollamaPort}/api/generate`, { method: "POST", body: JSON.stringify({ model: "a:1b" }) });
    expect(await run("models", "rm", "a:1b", "--yes")).toMatchObject({ exit: 1, stderr: expect.stringContaining("ollama has it loaded") });
    expect(await run("models", "rm", "a:1b", "--yes", "--force")).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining("2.0 MB are free"),
    });
    expect(asked()).toContain("DELETE /api/delete");
    expect(readdirSync(data("ollama/models/blobs"))).toEqual([]);
  });

  test("leaves the user's own caches alone unless they are named", async () => {
    const mine = join(box.root, ".cache/huggingface/hub/models--org--mine/snapshots/1/model.bin");
    put(mine, "12345");
    expect(await run("models", "rm", "org/mine", "--yes")).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("harbor models rm org/mine --store user:hf"),
    });
    expect(existsSync(mine)).toBe(true);
    expect(await run("models", "rm", "org/mine", "--yes", "--store", "hf")).toMatchObject({ exit: 0 });
    expect(existsSync(mine)).toBe(false);
  });

  test("says why it cannot remove what a container has written", async () => {
    put(data("comfyui/models/loras/ink.safetensors"), safetensorsFile());
    put(data("vllm/hub/models--o--n/snapshots/1/model.bin"), "x");
    for (const folder of ["comfyui/models/loras", "vllm/hub"]) chmodSync(data(folder), 0o555);
    for (const name of ["loras/ink.safetensors", "o/n"]) {
      const child = Bun.spawn([...obeyingModes, join(checkout, "bin/harbor"), "models", "rm", name, "--yes"], {
        cwd: box.root,
        env: { ...box.env, ...env },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      expect(await resultOf(child)).toMatchObject({
        exit: 1,
        stderr: expect.stringMatching(/^harbor: Cannot remove model ".*": no permission to change .*\n {2}A container has written it/),
      });
    }
    for (const folder of ["comfyui/models/loras", "vllm/hub"]) chmodSync(data(folder), 0o755);
    expect(await models()).toHaveLength(2);
  });

  test("removes none of them where one is not known", async () => {
    put(data("llamacpp/tiny-Q4_K_M.gguf"), Q4);
    expect(await run("models", "rm", "tiny-Q4_K_M", "nosuch", "--yes")).toMatchObject({ exit: 4 });
    expect(existsSync(data("llamacpp/tiny-Q4_K_M.gguf"))).toBe(true);
  });

  test("takes back what was pulled, half received or whole", async () => {
    await run("models", "pull", "ggml-org/gemma-GGUF:Q8_0");
    await run("models", "pull", "ggml-org/gemma-GGUF:Q4_K_M");
    expect((await models()).map(({ name }) => name)).toEqual(["ggml-org/gemma-GGUF:Q4_K_M", "ggml-org/gemma-GGUF:Q8_0"]);
    expect(await run("models", "rm", "gemma-GGUF:Q8_0", "--yes")).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining("300.2 kB are free"),
    });
    expect((await models()).map(({ name }) => name)).toEqual(["ggml-org/gemma-GGUF:Q4_K_M"]);
    expect(await run("models", "pull", "ggml-org/gemma-GGUF:Q8_0")).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining("is in llamacpp"),
    });
    await run("models", "rm", "ggml-org/gemma-GGUF:Q8_0", "ggml-org/gemma-GGUF:Q4_K_M", "--yes");
    expect(readdirSync(data("llamacpp/.cache"), { recursive: true }).filter((name) => !String(name).startsWith(".locks"))).toEqual([]);
  });
});

describe("harbor models search", () => {
  test("is a table of the hub's models, the most fetched first", async () => {
    const { exit, stdout } = await run("models", "search", "e");
    expect(exit).toBe(0);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(/ {2,}/))
        .slice(0, 3),
    ).toEqual([
      ["NAME", "FOR", "FORMATS", "DOWNLOADS", "LIKES", "ALL FILES", "UPDATED"],
      ["Qwen/Qwen3-0.6B", "text-generation", "safetensors", "5.0 M", "800", expect.stringMatching(/kB$/), "-, terms to accept"],
      ["ggml-org/gemma-GGUF", "text-generation", "gguf", "123.5 k", "7", "500.4 kB", "2026-05-06"],
    ]);
  });

  test("takes words, tags and a number, and prints JSON", async () => {
    expect(await box.json<object[]>(["models", "search", "gemma", "gguf", "--filter", "gguf", "-n", "1"], { env })).toEqual([
      {
        name: "ggml-org/gemma-GGUF",
        task: "text-generation",
        formats: ["gguf"],
        downloads: 123_456,
        likes: 7,
        bytes: Q4.length + Q8.length + 1,
        updatedAt: "2026-05-06T07:08:09.000Z",
        isGated: false,
      },
    ]);
    expect(await run("models", "search", "nothing", "like", "it")).toMatchObject({
      exit: 0,
      stdout: "",
      stderr: expect.stringContaining("https://ollama.com/search"),
    });
    expect(await run("models", "search", "x", "--sort", "colour")).toMatchObject({ exit: 2 });
    expect(await run("models", "search")).toMatchObject({ exit: 2 });
  });

  test("without a network says so", async () => {
    const message = {
      exit: 3,
      stdout: "",
      stderr: expect.stringContaining(
        'harbor: Cannot search for "gemma": the hub is not asked (offline)\n  Models that are here already: `harbor models ls`',
      ),
    };
    expect(await box.run(["models", "search", "gemma"], { env: { ...env, HF_HUB_OFFLINE: "1" } })).toMatchObject(message);
  });
});

describe("harbor models", () => {
  test("lists what it can, and guesses a slip", async () => {
    const { stdout } = await run("models");
    for (const word of ["ls", "pull", "rm", "path", "search"]) expect(stdout).toMatch(new RegExp(`^  ${word} +[A-Z]`, "m"));
    expect(await run("models", "pul", "x")).toMatchObject({ exit: 2, stderr: expect.stringContaining('did you mean "pull"?') });
  });

  test.each(["ls", "pull", "rm", "path", "search"])("%s --help has examples that are its own", async (word) => {
    const { exit, stdout } = await run("models", word, "--help");
    expect(exit).toBe(0);
    const examples = stdout.split("EXAMPLES\n\n")[1]?.trim().split("\n") ?? [];
    expect(examples.filter((line) => !line.trim().startsWith(`harbor models ${word} `) && line.trim() !== `harbor models ${word}`)).toEqual(
      [],
    );
    expect(examples.length).toBeGreaterThan(1);
  });
});
