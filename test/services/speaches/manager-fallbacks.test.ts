/**
 * What the manager does where not all of it works. CoreML cannot be chosen on Linux, so that other execution providers, which the
 * stand-in for onnxruntime lists, are asked for by name: they go the same way.
 */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startModelHub } from "../../fixtures/model-hub.ts";
import { SPEECH_MODELS, STT_MODEL, TTS_MODEL, writeModels } from "../../fixtures/speech-models.ts";
import { missingSpeechParts } from "../../fixtures/speech-parts.ts";
import { buildSpeechWheels, type OnnxRuntimeOrders } from "../../fixtures/speech-wheels.ts";
import { Listener, Manager, makeWorld, NOWHERE, processesWith, roundTrip, type World, wordsOf } from "./_manager.ts";

setDefaultTimeout(60_000);
const MODELS = { stt: STT_MODEL, tts: TTS_MODEL };
const FIRST = "XnnpackExecutionProvider";
const SECOND = "DnnlExecutionProvider";
const CPU = "CPUExecutionProvider";

describe.skipIf(missingSpeechParts() !== undefined)("speaches", () => {
  let world: World;

  beforeEach(async () => {
    world = await makeWorld();
  });
  afterEach(() => expect(processesWith(world.root)).toEqual([]));

  const orders = (told: OnnxRuntimeOrders): Record<string, string> => ({
    ONNXRUNTIME_STAND_IN: JSON.stringify({ available: [FIRST, SECOND, CPU], ...told }),
  });
  const warnings = (log: string): string[] => log.split("\n").filter((line) => line.startsWith("speaches: warning: "));
  const session = async (): Promise<unknown> => {
    const told = (await (await fetch(`${world.url}/debug/config`)).json()) as { sessions: Record<string, string[]> };
    return told.sessions[TTS_MODEL];
  };

  describe("an accelerator that opens a session, and then fails with the model", () => {
    test("gives way to the next one, and that to the CPU, each with a warning", async () => {
      await using manager = world.start(["--provider", `${FIRST},${SECOND}`], orders({ failing: [FIRST, SECOND] }));
      await manager.waitUntilReady();
      expect(warnings(manager.log)).toEqual([
        "speaches: warning: text to speech does not work with Xnnpack (500: Internal server error); trying Dnnl",
        "speaches: warning: text to speech does not work with Dnnl (500: Internal server error); trying CPU",
      ]);
      // why, the server itself says
      expect(manager.log).toContain(`FAIL : ${FIRST}`);
      expect(manager.log).toContain(
        `speaches: speech to text: ${STT_MODEL}; text to speech: ${TTS_MODEL} on CPU; warning: text to speech does not work with Xnnpack`,
      );
      expect(await roundTrip(world.url, "turn left", MODELS)).toBe("turn left");
      expect(await session()).toEqual([CPU]);
    });

    test("is passed over where it takes the whole process with it", async () => {
      await using manager = world.start(["--provider", `${FIRST},${SECOND}`], orders({ crashing: [FIRST] }));
      await manager.waitUntilReady();
      expect(warnings(manager.log)).toEqual([
        "speaches: warning: text to speech does not work with Xnnpack (it was ended by SIGABRT); trying Dnnl",
      ]);
      expect(await session()).toEqual([SECOND, CPU]);
    });
  });

  test("an accelerator that works is taken, the CPU behind it", async () => {
    await using manager = world.start(["--provider", FIRST], orders({}));
    await manager.waitUntilReady();
    expect(warnings(manager.log)).toEqual([]);
    expect(await session()).toEqual([FIRST, CPU]);
  });

  test.each([
    ["listed, and no session opens", { lacking: [FIRST] }],
    ["not built in", { available: [CPU] }],
  ])("an override that cannot work is left out with a warning: %s", async (_, told) => {
    await using manager = world.start([], { ...orders(told), HARBOR_ONNX_PROVIDER: FIRST });
    await manager.waitUntilReady();
    expect(warnings(manager.log)).toEqual([
      expect.stringMatching(
        new RegExp(`^speaches: warning: HARBOR_ONNX_PROVIDER asks for ${FIRST}, which cannot be used: .* Instead: ${CPU}$`),
      ),
    ]);
    // what `harbor up` and `harbor ps` show
    expect(manager.log).toMatch(
      /^speaches: speech to text: .* on CPU; warning: HARBOR_ONNX_PROVIDER asks for Xnnpack, which cannot be used: (?!.*Instead)/m,
    );
    expect(await session()).toEqual([CPU]);
  });

  test("without text to speech it runs, says so, and listens", async () => {
    using supervisor = await Listener.open(world.root);
    await using manager = world.start([], { ...orders({ failing: [CPU] }), NOTIFY_SOCKET: supervisor.path });
    await supervisor.waitFor(/^READY=1$/m);
    const [, status = ""] = /^STATUS=(.*)$/m.exec(await supervisor.waitFor(/^X_HARBOR_HEALTH=degraded$/m)) ?? [];
    expect(status).toBe(`speech to text: ${STT_MODEL}; text to speech: none, 500: Internal server error`);
    expect(manager.log).toContain(`speaches: ${status}\n`);
    expect(await (await fetch(`${world.url}/health`)).text()).toBe("OK");
  });

  test("what was missing is tried again, and once it is there all is well", async () => {
    const { [STT_MODEL]: stt = {}, [TTS_MODEL]: tts = {} } = SPEECH_MODELS;
    await using hub = await startModelHub({ models: { [STT_MODEL]: stt } });
    using supervisor = await Listener.open(world.root);
    const words = ["--data", join(world.root, "models"), "--hf-endpoint", hub.endpoint, "--retry", "200ms"];
    await using manager = world.start(words, { NOTIFY_SOCKET: supervisor.path });
    const degraded = await supervisor.waitFor(/^X_HARBOR_HEALTH=degraded$/m);
    expect(degraded).toContain(`text to speech: none, Cannot fetch model "${TTS_MODEL}"`);
    expect(warnings(manager.log)).toEqual([expect.stringContaining(`Cannot fetch model "${TTS_MODEL}"`)]);
    await supervisor.waitFor(/^READY=1$/m);

    hub.publish(TTS_MODEL, tts);
    const healthy = await supervisor.waitFor(/^X_HARBOR_HEALTH=healthy$/m);
    expect(healthy).toContain(`text to speech: ${TTS_MODEL}`);
    expect(await roundTrip(world.url, "close the window please", MODELS)).toBe("close the window please");
    const before = supervisor.heard.length;
    expect((await manager.stop()).exit).toBe(0);
    expect(supervisor.heard.slice(before).join("\n")).toContain("STOPPING=1");
  });

  test("a model that comes later, and fails on the accelerator, is tried on the next one", async () => {
    const { [STT_MODEL]: stt = {}, [TTS_MODEL]: tts = {} } = SPEECH_MODELS;
    await using hub = await startModelHub({ models: { [STT_MODEL]: stt } });
    const words = ["--data", join(world.root, "models"), "--hf-endpoint", hub.endpoint, "--retry", "200ms", "--provider", FIRST];
    await using manager = world.start(words, orders({ failing: [FIRST] }));
    await manager.waitUntilReady();
    hub.publish(TTS_MODEL, tts);
    await manager.waitFor(`text to speech: ${TTS_MODEL} on CPU`);
    expect(warnings(manager.log).at(-1)).toBe(
      "speaches: warning: text to speech does not work with Xnnpack (500: Internal server error); trying CPU",
    );
    expect(await roundTrip(world.url, "turn left", MODELS)).toBe("turn left");
    // nothing is said twice
    const lines = manager.log.split("\n").filter((line) => line.startsWith("speaches: speech to text: "));
    expect(new Set(lines).size).toBe(lines.length);
  });

  describe("on a host with an NVIDIA GPU", () => {
    // a stand-in for nvidia-smi: what decides which build of ONNX Runtime is installed
    const withGpu = (): Record<string, string> => {
      const folder = join(world.root, "bin");
      mkdirSync(folder);
      writeFileSync(join(folder, "nvidia-smi"), "#!/bin/sh\necho 'NVIDIA Stand-in, 580.10, 8.6'\n", { mode: 0o755 });
      return { PATH: `${folder}:/usr/bin:/bin` };
    };
    const start = (wheels: string, environment: string, env: Record<string, string>): Manager => {
      const { python, data } = world.prepared;
      const places = wordsOf({ source: "none", environment, data, python: python.path, wheels });
      return Manager.start([...places, "--index-url", "none", "--port", String(world.port)], { root: world.root, env });
    };

    test("the build with CUDA is installed, alone, though dependencies bring both", async () => {
      const { folder } = await buildSpeechWheels({ folder: join(world.root, "wheels"), hasGpuBuild: true });
      const cuda = JSON.stringify({ available: ["CUDAExecutionProvider", CPU] });
      const environment = world.ownEnvironment();
      await using manager = start(folder, environment, { ...withGpu(), ONNXRUNTIME_STAND_IN: cuda });
      await manager.waitUntilReady();
      expect(manager.log).toMatch(/^speaches: installing onnxruntime-gpu\S* instead of onnxruntime$/m);
      expect(warnings(manager.log)).toEqual([]);
      expect(await session()).toEqual(["CUDAExecutionProvider", CPU]);
      expect(buildsIn(environment)).toEqual(["onnxruntime_gpu-1.28.0.dist-info"]);
    });

    test("where that build cannot be had the CPU's is, with a warning, and the next start does not ask again", async () => {
      const { folder } = await buildSpeechWheels({ folder: join(world.root, "wheels") });
      const env = withGpu();
      const environment = world.ownEnvironment();
      await using first = start(folder, environment, env);
      await first.waitUntilReady();
      expect(warnings(first.log)[0]).toMatch(
        /^speaches: warning: Cannot install "onnxruntime-gpu\S*" alone: .*; installing onnxruntime instead$/,
      );
      expect(await session()).toEqual([CPU]);
      await first.stop();
      await using second = start(folder, environment, env);
      await second.waitUntilReady();
      expect(second.log).not.toContain("installing");
      expect(buildsIn(environment)).toEqual(["onnxruntime-1.22.0.dist-info"]);
    });

    const buildsIn = (environment: string): string[] =>
      [...new Bun.Glob("lib/python*/site-packages/onnxruntime*.dist-info/METADATA").scanSync({ cwd: environment })].map(
        (path) => path.split("/").at(-2) ?? "",
      );
  });

  test("offline one model is enough, and what to do about the other is said", async () => {
    const data = join(world.root, "models");
    writeModels(data, { [TTS_MODEL]: SPEECH_MODELS[TTS_MODEL] ?? {} });
    await using manager = world.start(["--data", data, "--offline"]);
    await manager.waitUntilReady();
    expect(manager.log).toContain(
      `speaches: warning: Cannot fetch model "${STT_MODEL}": it is not here, and the hub is not asked (offline)\n`,
    );
    expect(manager.log).toContain(`  It belongs in ${data}/models--Systran--faster-whisper-small\n`);
    expect(manager.log).toContain(`hf download ${STT_MODEL}`);
    expect(manager.log).toMatch(new RegExp(`^speaches: speech to text: none, .*; text to speech: ${TTS_MODEL} on CPU$`, "m"));
  });

  test("without the trial it is ready as soon as it answers", async () => {
    await using manager = world.start(["--no-check"], orders({ failing: [CPU] }));
    await manager.waitUntilReady();
    expect(manager.log).not.toContain("trying to speak");
    expect(manager.log).toContain(`text to speech: ${TTS_MODEL}`);
  });

  test.each(["HTTP_PROXY", "http_proxy"])("a proxy is no way to its own server (%s)", async (name) => {
    await using manager = world.start([], { [name]: NOWHERE, NO_PROXY: "intranet.example" });
    await manager.waitUntilReady();
    expect(warnings(manager.log)).toEqual([]);
  });

  test("an API key that is asked of everybody is no hindrance to the trial", async () => {
    await using manager = world.start([], { API_KEY: "secret-of-ours" });
    await manager.waitUntilReady();
    expect(warnings(manager.log)).toEqual([]);
    expect((await fetch(`${world.url}/v1/models`)).status).toBe(403);
    expect(manager.log).not.toContain("secret-of-ours");
  });
});
