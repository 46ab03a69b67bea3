/** speaches natively by `harbor up`, as a person has it, without a container engine: ready, degraded, and why it does not start. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { startModelHub } from "../fixtures/model-hub.ts";
import { SPEECH_MODELS, STT_MODEL, TTS_MODEL } from "../fixtures/speech-models.ts";
import { missingSpeechParts } from "../fixtures/speech-parts.ts";
import { NOWHERE, type Prepared, prepared, processesWith, roundTrip } from "../services/speaches/_manager.ts";
import { type PsRow, readUntil, Sandbox } from "./_sandbox.ts";

setDefaultTimeout(60_000);

interface Row extends PsRow {
  health: string;
  supervised: { state: string; why: string; status: string };
}

describe.skipIf(missingSpeechParts() !== undefined)("speaches", () => {
  let shared: Prepared;
  let box: Sandbox;
  let port: number;

  beforeAll(async () => {
    shared = await prepared();
    box = await Sandbox.create();
    port = freePort();
    Object.assign(box.env, {
      HARBOR_SPEACHES_HOST_PORT: String(port),
      HARBOR_SPEACHES_SOURCE: shared.source,
      HARBOR_SPEACHES_FIND_LINKS: shared.wheels,
      HARBOR_SPEACHES_ENVIRONMENT: shared.environment,
      HARBOR_SPEACHES_PYTHON: shared.python.path,
      HARBOR_SPEACHES_DATA: shared.data,
      HARBOR_SPEACHES_HF_ENDPOINT: NOWHERE,
    });
  });
  afterEach(async () => {
    expect((await box.run(["down"])).exit).toBe(0);
    expect(processesWith(box.root)).toEqual([]);
    expect(box.left()).toEqual([]);
  });
  afterAll(() => box?.remove());

  const up = ["up", "--no-defaults", "-x", "speaches"];
  const row = async (): Promise<Row> => (await box.json<Row[]>(["ps", "speaches"]))[0] as Row;

  test("is ready once it has spoken and listened; up tells each step, ps what it runs on", async () => {
    const { exit, stdout, stderr } = await box.run(up);
    expect([exit, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^speaches +native +healthy +http://127.0.0.1:${port}\\n$`))]);
    expect(stderr).toMatch(/^speaches: starting as process \d+\n/);
    expect(stderr).toMatch(/\nspeaches: ready after [\d.]+ s\n?/);
    const { runtime, state, health, supervised } = await row();
    const status = `speech to text: ${STT_MODEL}; text to speech: ${TTS_MODEL} on CPU`;
    expect([runtime, state, health, supervised.status]).toEqual(["native", "running", "healthy", status]);
    expect(await roundTrip(`http://127.0.0.1:${port}`, "play some music in the kitchen", { stt: STT_MODEL, tts: TTS_MODEL })).toBe(
      "play some music in the kitchen",
    );
    expect((await box.run(["logs", "speaches", "--tail", "all"])).stdout).toContain("trying to speak and to listen");
  });

  test("can be asked for its settings, and told to make everything ready, by harbor run", async () => {
    const settings = await box.run(["run", "speaches", "--print-config"]);
    expect([settings.exit, settings.stderr]).toEqual([0, ""]);
    expect(settings.stdout).toMatch(new RegExp(`^port +${port} +\\$HARBOR_SPEACHES_HOST_PORT$`, "m"));
    const prepared = await box.run(["run", "speaches", "--prepare"]);
    expect([prepared.exit, prepared.stderr]).toEqual([0, ""]);
    const lacking = await box.run(["run", "speaches", "--prepare", "--offline", "--data", join(box.root, "nowhere")]);
    expect([lacking.exit, lacking.stderr]).toEqual([13, expect.stringContaining("harbor: Cannot go on: neither of the models is there\n")]);
  });

  test("tells how far it is while it fetches, and so does ps", async () => {
    const { [STT_MODEL]: stt = {}, [TTS_MODEL]: tts = {} } = SPEECH_MODELS;
    const large = { ...stt, "model.bin": `${stt["model.bin"]}${"\n".repeat(300_000)}` };
    await using hub = await startModelHub({ models: { [STT_MODEL]: large, [TTS_MODEL]: tts }, switches: { bytesPerSecond: 150_000 } });
    const env = { HARBOR_SPEACHES_DATA: join(box.root, "models"), HARBOR_SPEACHES_HF_ENDPOINT: hub.endpoint };
    const child = box.start(up, { env });
    await readUntil(child.stderr, /^speaches: fetching Systran\/faster-whisper-small: [\d.]+ .?B of 300\.9 kB$/m);
    const { state, supervised } = await row();
    expect([state, supervised.state]).toEqual(["running", "starting"]);
    expect(supervised.status).toStartWith("fetching Systran/faster-whisper-small: ");
    const { exit, stdout } = await resultOf(child);
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/^speaches +native +healthy /)]);
  });

  test("runs degraded without one of its models, and ps says which", async () => {
    const env = { HARBOR_SPEACHES_TTS_MODEL: "nobody/nothing", HARBOR_SPEACHES_OFFLINE: "true" };
    const { exit, stdout, stderr } = await box.run(up, { env });
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/^speaches +native +degraded /)]);
    expect(stderr).toContain('text to speech: none, Cannot fetch model "nobody/nothing"');
    const { state, health, supervised } = await row();
    expect([state, health, supervised.state]).toEqual(["running", "degraded", "degraded"]);
    expect(supervised.why).toStartWith(
      `speech to text: ${STT_MODEL}; text to speech: none, Cannot fetch model "nobody/nothing": it is not here`,
    );
    expect((await box.run(["ps"])).stdout).toContain("\nspeaches is degraded since ");
  });

  test("does not start without both, and says why in its own words", async () => {
    const { exit, stdout, stderr } = await box.run(up, {
      env: { HARBOR_SPEACHES_DATA: join(box.root, "no-models"), HARBOR_SPEACHES_OFFLINE: "1" },
    });
    expect([exit, stdout]).toEqual([1, ""]);
    expect(stderr).toContain('Cannot start "speaches"');
    expect(stderr).toContain("13");
    expect(stderr).toContain("neither of the models is there");
    expect(stderr).toContain(`hf download ${TTS_MODEL}`);
  });
});
