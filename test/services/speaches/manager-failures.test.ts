/** How the manager ends: each class of failure by its own exit code, with what, why and what to do; and told to, wherever it is. */
import { afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "../../_process.ts";
import { until } from "../../_until.ts";
import { isRunning } from "../../cli/_sandbox.ts";
import { startModelHub } from "../../fixtures/model-hub.ts";
import { SPEECH_MODELS, STT_MODEL, TTS_MODEL, writeModels } from "../../fixtures/speech-models.ts";
import { missingSpeechParts } from "../../fixtures/speech-parts.ts";
import { buildSpeechWheels } from "../../fixtures/speech-wheels.ts";
import { Manager, makeWorld, NOWHERE, processesWith, roundTrip, type World, wordsOf } from "./_manager.ts";

setDefaultTimeout(60_000);
const BACKEND = join(import.meta.dir, "../../fixtures/speech-server/build-backend/in_tree_build.py");
const TTS_ON_CPU_FAILS = { ONNXRUNTIME_STAND_IN: JSON.stringify({ failing: ["CPUExecutionProvider"] }) };

describe.skipIf(missingSpeechParts() !== undefined)("speaches", () => {
  let world: World;

  beforeEach(async () => {
    world = await makeWorld();
  });
  afterEach(async () => {
    await until(() => processesWith(world.root).length === 0, "nobody is left");
  });

  /** What its own message says: behind its server's words. */
  function messageOf({ stderr }: Result): string {
    return /^harbor: [\s\S]*/m.exec(stderr)?.[0] ?? "";
  }

  async function fail(words: readonly string[], env: Record<string, string> = {}): Promise<{ exit: number; message: string }> {
    const result = await world.start(words, env).result();
    return { exit: result.exit, message: messageOf(result) };
  }

  /** The source as a folder, with these changes. */
  function ownSource(files: Record<string, string> = {}): string {
    const source = join(world.root, "source");
    cpSync(join(import.meta.dir, "../../fixtures/speech-server"), source, { recursive: true });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(source, name), text);
    return source;
  }

  /** The options for an environment whose server crashes at its start, under a condition of Python's. */
  function crashing(condition: string): string[] {
    const environment = world.ownEnvironment();
    const module = join(environment, `lib/python${world.prepared.minor}/site-packages/uvicorn/__init__.py`);
    const text = readFileSync(module, "utf8");
    rmSync(module);
    writeFileSync(module, `import os\nif ${condition}:\n    os.abort()\n${text}`);
    return ["--environment", environment, "--source", "none"];
  }

  describe("ends with", () => {
    /** Begun first: it asks the hub three times, for each model. */
    let hubless: Promise<Result>;
    let hublessRoot: string;
    beforeAll(async () => {
      const own = await makeWorld();
      hublessRoot = own.root;
      hubless = own.start(["--data", join(own.root, "models")]).result();
    });

    test("10 without a Python that can be used", async () => {
      const { exit, message } = await fail(["--environment", join(world.root, "env"), "--python", "3.99"]);
      expect(exit).toBe(10);
      expect(message).toStartWith("harbor: Cannot make a Python environment: this host has no Python 3.99 that can be used\n");
      expect(message).toContain("Install uv, which fetches the Python it needs, or install one with ");
    });

    test("11 where the package cannot be built", async () => {
      const source = ownSource({ "build-backend/in_tree_build.py": 'raise SystemExit("the compiler is on holiday")\n' });
      const { exit, message } = await fail(["--environment", world.ownEnvironment(), "--source", source]);
      expect(exit).toBe(11);
      expect(message).toStartWith('harbor: Cannot install "speaches[ui] @ file://');
      expect(message).toContain("command: ");
      expect(message).toContain("the compiler is on holiday");
      expect(message).toContain("speaches.log\n");
    });

    test("11 where the source is none", async () => {
      const { exit, message } = await fail(["--environment", join(world.root, "env"), "--source", join(world.root, "nowhere.tar.gz")]);
      expect([exit, message]).toEqual([11, expect.stringContaining("there is no such file or folder")]);
      writeFileSync(join(world.root, "no.tar.gz"), "no archive");
      const broken = await fail(["--environment", join(world.root, "env"), "--source", join(world.root, "no.tar.gz")]);
      expect([broken.exit, broken.message]).toEqual([
        11,
        expect.stringMatching(/^harbor: Cannot unpack ".*no\.tar\.gz": (?!Exiting|Error is not).+\n$/),
      ]);
      expect(existsSync(join(world.root, "env.source/.new"))).toBe(false);
    });

    test("12, and no password of its source in what it says", async () => {
      const { message, exit } = await fail([
        "--environment",
        join(world.root, "env"),
        "--source",
        "http://tok:s3cret@127.0.0.1:9/v1.tar.gz",
      ]);
      expect([exit, message]).toEqual([12, expect.stringContaining('"http://tok:********@127.0.0.1:9/v1.tar.gz"')]);
      expect(message).not.toContain("s3cret");
    });

    test("12 where the network is gone: the source's, the index's", async () => {
      const environment = join(world.root, "env");
      const source = await fail(["--environment", environment, "--source", `${NOWHERE}/v0.8.3.tar.gz`]);
      expect(source.exit).toBe(12);
      expect(source.message).toStartWith(`harbor: Cannot fetch the source "${NOWHERE}/v0.8.3.tar.gz": `);
      expect(source.message).toContain("Look at the network and its proxy settings; or fetch it elsewhere, and name the file");
      expect(existsSync(environment)).toBe(false);

      const words = [
        "--environment",
        world.ownEnvironment(),
        "--source",
        "none",
        "--package",
        "speaches==9.9",
        "--index-url",
        `${NOWHERE}/simple`,
      ];
      const index = await fail(words, { PIP_NO_INDEX: "", PIP_RETRIES: "1" });
      expect([index.exit, index.message]).toEqual([
        12,
        expect.stringContaining("Check the network, the proxy (HTTPS_PROXY) and the index"),
      ]);
    });

    test("13 offline without both models: which, and where they belong", async () => {
      const data = join(world.root, "models");
      const { exit, message } = await fail(["--data", data, "--offline"]);
      expect(exit).toBe(13);
      expect(message).toStartWith("harbor: Cannot go on: neither of the models is there\n");
      for (const model of [STT_MODEL, TTS_MODEL]) {
        expect(message).toContain(`  Cannot fetch model "${model}": it is not here, and the hub is not asked (offline)\n`);
        expect(message).toContain(`    It belongs in ${data}/models--${model.replace("/", "--")}\n`);
        expect(message).toContain(`hf download ${model}`);
      }
      const asJson = await world.start(["--data", data, "--offline", "--json"]).result();
      expect(asJson.exit).toBe(13);
      expect(JSON.parse(asJson.stderr.trim().split("\n").at(-1) ?? "")).toMatchObject({ error: { code: 13 } });
    });

    test("13 where one of them is all that is missing, and it was to make everything ready", async () => {
      const data = join(world.root, "models");
      writeModels(data, { [STT_MODEL]: SPEECH_MODELS[STT_MODEL] ?? {} });
      const { exit, message } = await fail(["--prepare", "--data", data, "--offline"]);
      expect([exit, message]).toEqual([13, expect.stringMatching(/^harbor: Cannot fetch model ".*Kokoro.*": it is not here/)]);
    });

    test("13 where the hub has no such model, or a private one: how to give it a token", async () => {
      await using hub = await startModelHub({ models: SPEECH_MODELS });
      const words = ["--data", join(world.root, "models"), "--hf-endpoint", hub.endpoint, "--tts-model", "no/such", "--prepare"];
      const { exit, message } = await fail(words);
      expect([exit, message]).toEqual([13, expect.stringContaining("a private one needs hf.token (`harbor config set hf.token hf_…`)")]);
    });

    test("14 where the port is taken: by whom", async () => {
      using taken = Bun.listen({ hostname: "127.0.0.1", port: world.port, socket: { data() {} } });
      const { exit, message } = await fail([]);
      expect(exit).toBe(14);
      expect(message).toStartWith(`harbor: Cannot listen on port ${taken.port}: it is taken by `);
      expect(message).toContain(String(process.pid));
      expect(message).toContain("harbor config set speaches.host_port");
    });

    test("14 where somebody else has taken it while everything was made ready", async () => {
      const [began, go] = [join(world.root, "began"), join(world.root, "go")];
      const wait = `\nopen(${JSON.stringify(began)}, "w").close()\nwhile not Path(${JSON.stringify(go)}).exists(): pass\n`;
      const source = ownSource({ "build-backend/in_tree_build.py": readFileSync(BACKEND, "utf8") + wait });
      await using manager = world.start(["--environment", world.ownEnvironment(), "--source", source]);
      await until(() => existsSync(began), "it is being built", 30_000);
      using server = Bun.serve({ port: world.port, hostname: "127.0.0.1", fetch: () => new Response("OK") });
      writeFileSync(go, "");
      const result = await manager.result();
      expect([result.exit, messageOf(result)]).toEqual([
        14,
        expect.stringContaining(`Cannot listen on port ${server.port}: it is taken by `),
      ]);
    });

    test("15 where the server does not start", async () => {
      const { exit, message } = await fail([], { ALLOW_ORIGINS: "no JSON" });
      expect(exit).toBe(15);
      expect(message).toStartWith("harbor: Cannot start the server: it ended with exit code 1\n");
      expect(message).toContain("Its own words are in the log above");
    });

    test("15 where the server crashes at its start, whatever it computes on", async () => {
      const { exit, message } = await fail(crashing("True"));
      expect([exit, message]).toEqual([15, expect.stringMatching(/^harbor: Cannot start the server: it was ended by SIGABRT\n/)]);
    });

    test("nothing where it crashes with an accelerator alone: the next one is tried", async () => {
      const crashes = crashing('"Xnnpack" in os.environ.get("UNSTABLE_ORT_OPTS__PROVIDER_PRIORITY", "")');
      const provider = "XnnpackExecutionProvider";
      const orders = JSON.stringify({ available: [provider, "CPUExecutionProvider"] });
      await using manager = world.start([...crashes, "--provider", provider], { ONNXRUNTIME_STAND_IN: orders });
      await manager.waitUntilReady();
      const why = "text to speech does not work with Xnnpack (the server crashed at its start: it was ended by SIGABRT); trying CPU";
      expect(manager.log).toContain(`\nspeaches: warning: ${why}\n`);
    });

    test("16 where the server is killed while it runs", async () => {
      await using manager = world.start();
      await manager.waitUntilReady();
      process.kill(await serverOf(), "SIGKILL");
      const result = await manager.result();
      expect([result.exit, messageOf(result)]).toEqual([
        16,
        expect.stringContaining("Cannot go on: the server ended: it was ended by SIGKILL"),
      ]);
    });

    test("16 where the server is killed while what is missing is fetched", async () => {
      const { [STT_MODEL]: stt = {}, [TTS_MODEL]: tts = {} } = SPEECH_MODELS;
      await using hub = await startModelHub({ models: { [STT_MODEL]: stt }, switches: { bytesPerSecond: 100_000 } });
      const words = ["--data", join(world.root, "models"), "--hf-endpoint", hub.endpoint, "--retry", "200ms"];
      await using manager = world.start(words);
      await manager.waitUntilReady();
      hub.publish(TTS_MODEL, { ...tts, "model.onnx": new Uint8Array(50_000_000) });
      await manager.waitFor(/Kokoro-82M-v1.0-ONNX: \d+ %/);
      process.kill(await serverOf(), "SIGKILL");
      const result = await manager.result();
      expect([result.exit, messageOf(result)]).toEqual([16, expect.stringContaining("it was ended by SIGKILL")]);
    });

    test("16 where the server is stuck", async () => {
      await using manager = world.start(["--answer-timeout", "300ms"]);
      await manager.waitUntilReady();
      process.kill(await serverOf(), "SIGSTOP");
      const result = await manager.result();
      expect(result.exit).toBe(16);
      expect(messageOf(result)).toStartWith("harbor: Cannot go on: the server stopped answering: GET /health: ");
      expect(messageOf(result)).toContain("--answer-timeout");
    });

    test("17 where it can neither speak nor listen", async () => {
      const data = join(world.root, "models");
      const stt = { ...SPEECH_MODELS[STT_MODEL], "model.bin": "no grammar" };
      writeModels(data, { ...SPEECH_MODELS, [STT_MODEL]: stt });
      const { exit, message } = await fail(["--data", data, "--offline"], TTS_ON_CPU_FAILS);
      expect(exit).toBe(17);
      expect(message).toStartWith("harbor: Cannot speak and cannot listen: the server answers, and neither works\n");
      expect(message).toContain(`  speech to text (${STT_MODEL}): 500`);
      expect(message).toContain(`  text to speech (${TTS_MODEL}): 500`);
    });

    test("18 where a file is in the place of a folder", async () => {
      const file = join(world.root, "a-file");
      writeFileSync(file, "");
      const environment = await fail(["--environment", join(file, "env")]);
      expect([environment.exit, environment.message]).toEqual([18, expect.stringContaining(`Cannot write to "${file}`)]);
      const fromFolder = await fail(["--environment", join(file, "env"), "--source", ownSource()]);
      expect([fromFolder.exit, fromFolder.message]).toEqual([18, expect.stringContaining(file)]);
      const data = await fail(["--data", join(file, "models")]);
      expect(data.exit).toBe(18);
      expect(data.message).toContain("a file is where a folder should be");
      expect(data.message).toContain("Choose another folder, or mend this one");
    });

    test("12 where the hub cannot be reached, and no model is there", async () => {
      const result = await hubless;
      const message = messageOf(result);
      expect(result.exit).toBe(12);
      expect(message).toStartWith("harbor: Cannot go on: neither of the models is there\n");
      for (const model of [STT_MODEL, TTS_MODEL]) {
        expect(message).toContain(`Cannot fetch model "${model}": `);
        expect(message).toContain(`It belongs in ${hublessRoot}/models/models--${model.replace("/", "--")}\n`);
      }
    });
  });

  describe("a source by its URL", () => {
    let seen: string[];
    let server: Bun.Server<undefined>;
    beforeEach(() => {
      seen = [];
      const answers: Record<string, () => Response> = {
        "/whole.tar.gz": () => new Response(Bun.file(world.prepared.source)),
        // begins, and never ends
        "/slow.tar.gz": () => new Response(new ReadableStream({ start: (body) => body.enqueue(new Uint8Array(10_000)) })),
        "/cut.tar.gz": () => new Response(Bun.file(world.prepared.source).slice(0, 3_000)),
        "/busy.tar.gz": () => new Response("", { status: 503 }),
      };
      const answer = (request: Request): Response => {
        const { pathname } = new URL(request.url);
        seen.push(pathname);
        return answers[pathname]?.() ?? new Response("", { status: 404 });
      };
      server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
    });
    afterEach(() => server.stop(true));

    /** There is no such Python: no more than the source is wanted. */
    const wordsFor = (name: string): string[] => [
      ...["--environment", join(world.root, "env"), "--python", "3.99"],
      ...["--source", `http://127.0.0.1:${server.port}/${name}`],
    ];
    const kept = (): string[] => readdirSync(join(world.root, "env.source"));

    test("is fetched once", async () => {
      expect((await fail(wordsFor("whole.tar.gz"))).exit).toBe(10);
      expect((await fail([...wordsFor("whole.tar.gz"), "--offline"])).exit).toBe(10);
      expect(seen).toEqual(["/whole.tar.gz"]);
      expect(existsSync(join(world.root, "env.source", kept()[0] ?? "", "pyproject.toml"))).toBe(true);
    });

    test("leaves nothing where it is told to end in the middle", async () => {
      await using manager = world.start(wordsFor("slow.tar.gz"));
      await manager.waitFor("speaches: fetching http://");
      await until(() => seen.length > 0, "it is asked for");
      expect((await manager.stop()).exit).toBe(0);
      expect(kept()).toEqual([]);
    });

    test.each([
      ["nowhere.tar.gz", [], 11, "the server answers 404\n  See which versions there are: "],
      ["busy.tar.gz", [], 12, "the server answers 503\n  Try again later\n"],
      ["cut.tar.gz", [], 11, "harbor: Cannot unpack "],
      ["whole.tar.gz", ["--offline"], 12, "offline\n  Fetch it where there is a network, and name the file: "],
    ])("%s %p ends it with %d", async (name, words, code, said) => {
      const { exit, message } = await fail([...wordsFor(name), ...words]);
      expect([exit, message]).toEqual([code, expect.stringContaining(said)]);
      if (existsSync(join(world.root, "env.source"))) expect(kept()).toEqual([]);
    });
  });

  describe("told to end", () => {
    test.each(["SIGTERM", "SIGINT"] as const)("while it serves: in good order (%s)", async (signal) => {
      await using manager = world.start();
      await manager.waitUntilReady();
      const server = await serverOf();
      const result = await manager.stop(signal);
      expect([result.exit, messageOf(result)]).toEqual([0, ""]);
      expect(isRunning(server)).toBe(false);
      using _ = Bun.listen({ hostname: "127.0.0.1", port: world.port, socket: { data() {} } });
    });

    test("while it installs: pip goes with it", async () => {
      const words = ["--environment", world.ownEnvironment(), "--source", ownSource(), "--prepare"];
      await using manager = world.start(words);
      await manager.waitFor("speaches: Processing ");
      const result = await manager.stop("SIGINT");
      expect([result.exit, messageOf(result)]).toEqual([0, ""]);
    });

    test("while it fetches a model: what it has received stays", async () => {
      const weights = new Uint8Array(400_000).fill(7);
      const models = { ...SPEECH_MODELS, [STT_MODEL]: { ...SPEECH_MODELS[STT_MODEL], "model.bin": weights } };
      await using hub = await startModelHub({ models, switches: { bytesPerSecond: 100_000 } });
      const words = ["--prepare", "--data", join(world.root, "models"), "--hf-endpoint", hub.endpoint];
      await using manager = world.start(words);
      await manager.waitFor(/small: [2-9]\d %/);
      const result = await manager.stop();
      expect([result.exit, messageOf(result)]).toEqual([0, ""]);

      hub.switches.bytesPerSecond = undefined;
      hub.requests.length = 0;
      expect((await world.start(words).result()).exit).toBe(0);
      expect(hub.requests.some(({ range }) => /^bytes=[1-9]/.test(range ?? ""))).toBe(true);
    });

    test("by a kill that it cannot hear: its server ends by itself", async () => {
      await using manager = world.start();
      await manager.waitUntilReady();
      const server = await serverOf();
      expect((await manager.stop("SIGKILL")).exit).not.toBe(0);
      await until(() => !isRunning(server), "the server ends");
    });

    test("killed again and again while it makes everything ready, the next one completes it", async () => {
      const { folder: wheels } = await buildSpeechWheels({ folder: join(world.root, "wheels") });
      const own = {
        environment: join(world.root, "python/speaches"),
        data: join(world.root, "models"),
        python: world.prepared.python.path,
      };
      const places = wordsOf({ source: "none", ...own, wheels });
      await using hub = await startModelHub({ models: SPEECH_MODELS });
      const words = [...places, "--hf-endpoint", hub.endpoint, "--prepare"];
      const start = (): Manager => Manager.start(words, { root: world.root });
      for (const lines of [1, 3, 12]) {
        await using manager = start();
        await until(() => manager.log.split("\n").length > lines || !isRunning(manager.pid), `${lines} lines`, 20_000);
        await manager.stop("SIGKILL");
      }
      const { exit, stderr } = await start().result();
      expect([exit, exit === 0 ? "" : stderr]).toEqual([0, ""]);
      const record = JSON.parse(readFileSync(join(own.environment, "harbor-env.json"), "utf8"));
      expect(record.step).toBe("installed");
      await using served = Manager.start([...places, "--offline", "--port", String(world.port)], { root: world.root });
      await served.waitUntilReady();
      // without a source there are no other names for models
      expect(await roundTrip(world.url, "open the door", { stt: STT_MODEL, tts: TTS_MODEL })).toBe("open the door");
    });
  });

  test("two at once: one waits for the other and says so, and both end well", async () => {
    const environment = world.ownEnvironment();
    const words = ["--environment", environment, "--prepare"];
    await using first = world.start(words);
    await first.waitFor("speaches: installing ");
    const second = await world.start(words).result();
    expect([(await first.result()).exit, second.exit]).toEqual([0, 0]);
    expect(second.stderr).toMatch(/^speaches: waiting: .*making the Python environment/m);
    expect(second.stderr).not.toContain("installing");
  });

  test("two that want the same source at once unpack it once, and what a killed one has left goes", async () => {
    const place = join(world.root, "env.source");
    mkdirSync(join(place, ".new/unpacked"), { recursive: true });
    let requests = 0;
    using hub = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch() {
        requests++;
        await until(() => both.every(({ pid }) => isRunning(pid)), "both are there");
        return new Response(Bun.file(world.prepared.source));
      },
    });
    const words = ["--environment", join(world.root, "env"), "--source", `${hub.url}v0.8.3.tar.gz`, "--python", "3.99"];
    const both = [world.start(words), world.start(words)];
    // neither has such a Python: to come that far is enough
    for (const manager of both) expect((await manager.result()).exit).toBe(10);
    expect(requests).toBe(1);
    expect(readdirSync(place)).toEqual([expect.stringMatching(/^[0-9a-f]{16}$/)]);
  });

  test("what a package does while it is built, it does without the keys of ours", async () => {
    const noted = join(world.root, "names");
    const note = `\nimport os\nPath(${JSON.stringify(noted)}).write_text("\\n".join(os.environ))\n`;
    const source = ownSource({ "build-backend/in_tree_build.py": readFileSync(BACKEND, "utf8") + note });
    const words = ["--environment", world.ownEnvironment(), "--source", source, "--prepare"];
    const { exit } = await world.start(words, { HARBOR_HF_TOKEN: "hf_1", HF_TOKEN: "hf_2", PIP_TIMEOUT: "20" }).result();
    expect(exit).toBe(0);
    const names = readFileSync(noted, "utf8").split("\n");
    expect(names.filter((name) => name.endsWith("TOKEN"))).toEqual([]);
    expect(names).toContain("PIP_TIMEOUT");
  });

  test("its server knows no more than it has to", async () => {
    const foreign = {
      HF_TOKEN: "hf_of_the_shell",
      OPENAI_API_KEY: "sk-1",
      GITHUB_TOKEN: "gh-1",
      PIP_INDEX_URL: "https://u:p@index.example",
      PYTHONPATH: "/elsewhere",
      VIRTUAL_ENV: "/elsewhere",
      NOTIFY_SOCKET: join(world.root, "nobody"),
      LANG: "C.UTF-8",
    };
    const namesOf = async (): Promise<string[]> =>
      ((await (await fetch(`${world.url}/debug/config`)).json()) as { variables: string[] }).variables;
    {
      await using manager = world.start([], foreign);
      await manager.waitUntilReady();
      const names = await namesOf();
      const { LANG: _, ...kept } = foreign;
      expect(names.filter((name) => name in kept || /^(HARBOR|PIP|UV)_/.test(name))).toEqual([]);
      for (const name of ["PATH", "HOME", "LANG", "HF_HUB_CACHE", "STT_MODEL"]) expect(names).toContain(name);
    }
    await using manager = world.start([], { ...foreign, HARBOR_HF_TOKEN: "hf_of_ours" });
    await manager.waitUntilReady();
    const told = (await (await fetch(`${world.url}/debug/config`)).json()) as { config: { hf_token: string } };
    expect(told.config.hf_token).toBe("(set, 10 characters)");
    expect(manager.log).not.toContain("hf_of_ours");
    expect(readFileSync(`/proc/${manager.pid}/cmdline`, "utf8")).not.toContain("hf_of_ours");
  });

  async function serverOf(): Promise<number> {
    return ((await (await fetch(`${world.url}/debug/config`)).json()) as { process: { pid: number } }).process.pid;
  }
});
