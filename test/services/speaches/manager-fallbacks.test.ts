/**
 * What the manager does where not all of it works. CoreML cannot be chosen on Linux, so that other execution providers, which the
 * stand-in for onnxruntime lists, are asked for by name: they go the same way.
 */
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { startModelHub } from "../../fixtures/model-hub.ts";
import { SPEECH_MODELS, STT_MODEL, TTS_MODEL, writeModels } from "../../fixtures/speech-models.ts";
import { missingSpeechParts } from "../../fixtures/speech-parts.ts";
import type { OnnxRuntimeOrders } from "../../fixtures/speech-wheels.ts";
import { Listener, makeWorld, NOWHERE, processesWith, roundTrip, type World } from "./_manager.ts";

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
      expect(manager.log).toContain(`speaches: speech to text: ${STT_MODEL}; text to speech: ${TTS_MODEL}; text to speech on CPU; `);
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
    expect(manager.log).toMatch(new RegExp(`^speaches: speech to text: none, .*; text to speech: ${TTS_MODEL}$`, "m"));
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
