/** The stand-in for speaches that other tests rely on: that it is installed, speaks, listens and fails as the original does. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../_until.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../e2e/_temporary.ts";
import { startModelHub } from "../../fixtures/model-hub.ts";
import { SENTENCES, SPEECH_MODELS, STT_MODEL, TTS_MODEL, writeModels } from "../../fixtures/speech-models.ts";
import { missingSpeechParts } from "../../fixtures/speech-parts.ts";
import {
  install,
  installSpeechServer,
  makeEnvironment,
  makeWorkFolder,
  type SpeechServer,
  startSpeechServer,
} from "../../fixtures/speech-server.ts";
import { buildSpeechWheels } from "../../fixtures/speech-wheels.ts";

const missing = missingSpeechParts();
// most start a server, some install one
setDefaultTimeout(60_000);
const COREML = "CoreMLExecutionProvider";
const CPU = "CPUExecutionProvider";

let folder: TemporaryFolder;
let place: { environment: string; cwd: string; cache: string };

beforeAll(async () => {
  folder = makeTemporaryFolder("harbor-speech-");
  if (missing !== undefined) return;
  const environment = await installSpeechServer(folder.path);
  place = { environment, cwd: makeWorkFolder(join(folder.path, "work")), cache: join(folder.path, "cache") };
  writeModels(place.cache);
});

afterAll(() => folder[Symbol.dispose]());

describe.skipIf(missing !== undefined)("the stand-in for speaches", () => {
  let server: SpeechServer;

  beforeAll(async () => {
    server = await startSpeechServer(place);
  });

  afterAll(() => server[Symbol.asyncDispose]());

  test("hears every sentence as it said it", async () => {
    const heard: string[] = [];
    for (const sentence of SENTENCES) heard.push(await hear(server, await say(server, sentence)));
    expect(heard).toEqual([...SENTENCES]);
  });

  test.each(["wav", "flac", "mp3", "pcm"])("speaks %s, and listens to it", async (format) => {
    const response = await askForSpeech(server, { input: "open the door", response_format: format, sample_rate: 16_000 });
    expect(response.headers.get("content-type")).toBe(`audio/${format}`);
    expect(await hear(server, new Blob([await response.arrayBuffer()], { type: `audio/${format}` }))).toBe("open the door");
  });

  test("has voices of its own, and takes one of OpenAI's for its first", async () => {
    const said = await Promise.all(["af_heart", "alloy", "am_adam"].map((voice) => bytesOf(askForSpeech(server, { voice }))));
    expect(said[1]).toEqual(said[0] as Uint8Array);
    expect(said[2]).not.toEqual(said[0] as Uint8Array);
  });

  test("speaks faster", async () => {
    const [slow, fast] = await Promise.all([0.5, 2].map((speed) => bytesOf(askForSpeech(server, { speed, response_format: "wav" }))));
    expect(slow?.length).toBeGreaterThan(2.5 * (fast?.length ?? Number.NaN));
  });

  test("transcribes as text, JSON, and JSON that says more", async () => {
    const audio = await say(server, "turn left");
    expect(await (await askForText(server, audio, { response_format: "text" })).text()).toBe("turn left");
    expect(await (await askForText(server, audio)).json()).toEqual({ text: "turn left" });
    expect(await (await askForText(server, audio, { response_format: "verbose_json" })).json()).toMatchObject({
      task: "transcribe",
      language: "en",
      text: "turn left",
      segments: [{ start: 0, text: "turn left" }],
    });
  });

  test("lists its models, and knows them by their aliases", async () => {
    const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string; task: string }[] };
    expect(data.map(({ id, task }) => [id, task])).toEqual([
      [STT_MODEL, "automatic-speech-recognition"],
      [TTS_MODEL, "text-to-speech"],
    ]);
    expect(await hear(server, await say(server, "turn left", "tts-1"), "whisper-1")).toBe("turn left");
  });

  test("says of a model that is not there how to get it", async () => {
    const detail = "Model 'some/model' is not installed locally. You can download the model using `POST /v1/models`";
    for (const response of [
      await askForSpeech(server, { model: "some/model" }),
      await askForText(server, await say(server, "turn left"), { model: "some/model" }),
    ]) {
      expect(response.status).toBe(404);
      expect(await response.json()).toEqual({ detail });
    }
    expect((await fetch(`${server.url}/v1/models/some/model`)).status).toBe(404);
  });

  test("refuses a model of the other kind", async () => {
    const response = await askForSpeech(server, { model: STT_MODEL });
    expect([response.status, await response.json()]).toEqual([
      404,
      { detail: `Model '${STT_MODEL}' is not supported. If you think this is a mistake, please open an issue.` },
    ]);
  });

  test.each([
    [{ input: undefined }, ["body", "input"]],
    [{ response_format: "opus" }, ["body", "response_format"]],
    [{ sample_rate: 1 }, ["body", "sample_rate"]],
  ])("says which field of %p is wrong", async (body, loc) => {
    const response = await askForSpeech(server, body);
    expect([response.status, await response.json()]).toMatchObject([422, { detail: [{ loc }] }]);
  });

  test("refuses a voice, a speed and a file that it cannot use", async () => {
    const answers = [
      await askForSpeech(server, { voice: "nobody" }),
      await askForSpeech(server, { speed: 3 }),
      await askForText(server, new Blob(["not audio"])),
      await askForText(server, new Blob([])),
    ];
    expect(answers.map(({ status }) => status)).toEqual([422, 422, 415, 400]);
    for (const answer of answers) expect(await answer.json()).toEqual({ detail: expect.any(String) });
  });

  test("forgets a model that was deleted", async () => {
    const cache = join(folder.path, "cache-of-one");
    writeModels(cache);
    await using own = await startSpeechServer({ ...place, cache });
    const url = `${own.url}/v1/models/${TTS_MODEL}`;
    expect(await (await fetch(url, { method: "POST" })).text()).toBe(`Model '${TTS_MODEL}' already exists`);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(200);
    expect((await fetch(url)).status).toBe(404);
    expect((await askForSpeech(own, {})).status).toBe(404);
  });
});

describe.skipIf(missing !== undefined)("models that the stand-in for speaches fetches", () => {
  const post = (server: SpeechServer, model: string): Promise<Response> => fetch(`${server.url}/v1/models/${model}`, { method: "POST" });

  test("are those of a hub, and can be used at once", async () => {
    await using hub = await startModelHub({ models: SPEECH_MODELS, switches: { gated: { [STT_MODEL]: "hf_token" } } });
    const cache = join(folder.path, "fetched");
    await using server = await startSpeechServer({ ...place, cache, env: { HF_ENDPOINT: hub.endpoint, HF_TOKEN: "hf_token" } });
    for (const model of Object.keys(SPEECH_MODELS)) {
      const answer = await post(server, model);
      expect([answer.status, await answer.text()]).toEqual([200, `Model '${model}' downloaded`]);
    }
    expect(await hear(server, await say(server, "turn left"))).toBe("turn left");
    const main = join(cache, "models--Systran--faster-whisper-small/refs/main");
    expect(readFileSync(main, "utf8")).toBe(hub.commitOf(STT_MODEL));
    expect(hub.requests.filter(({ at, authorization }) => at === "cdn" && authorization !== undefined)).toEqual([]);
  });

  test("may be unknown, not for everybody, or out of reach", async () => {
    await using hub = await startModelHub({ models: SPEECH_MODELS, switches: { gated: { [STT_MODEL]: "hf_token" } } });
    const cache = join(folder.path, "not-fetched");
    await using server = await startSpeechServer({ ...place, cache, env: { HF_ENDPOINT: hub.endpoint } });
    expect((await post(server, "some/model")).status).toBe(404);
    expect((await post(server, STT_MODEL)).status).toBe(401);
    await using offline = await startSpeechServer({ ...place, cache, env: { HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: "1" } });
    expect((await post(offline, TTS_MODEL)).status).toBe(500);
  });
});

describe.skipIf(missing !== undefined)("what reaches the stand-in for speaches", () => {
  test("is the variables of the original, secrets not shown", async () => {
    const env = {
      LOG_LEVEL: "debug",
      API_KEY: "geheim",
      HF_TOKEN: "hf_geheim",
      WHISPER__INFERENCE_DEVICE: "cpu",
      WHISPER__COMPUTE_TYPE: "int8",
      WHISPER__TTL: "-1",
      UNSTABLE_ORT_OPTS__PROVIDER_PRIORITY: JSON.stringify({ [COREML]: 200 }),
      UNSTABLE_ORT_OPTS__EXCLUDE_PROVIDERS: "[]",
    };
    await using server = await startSpeechServer({ ...place, env });
    const text = await (await fetch(`${server.url}/debug/config`)).text();
    expect(JSON.parse(text).config).toMatchObject({
      whisper: { inference_device: "cpu", compute_type: "int8", ttl: -1 },
      unstable_ort_opts: { provider_priority: { [COREML]: 200 }, exclude_providers: [] },
      hf_token: "(set, 9 characters)",
    });
    expect(text + server.log()).not.toContain("geheim");
    expect((await askForSpeech(server, {})).status).toBe(403);
    expect((await askForSpeech(server, {}, { authorization: "Bearer geheim" })).status).toBe(200);
  });

  test.each([
    ["WHISPER__TTL", "-5", "whisper.ttl"],
    ["WHISPER__INFERENCE_DEVICE", "gpu", "whisper.inference_device"],
    ["UNSTABLE_ORT_OPTS__PROVIDER_PRIORITY", "high", "unstable_ort_opts.provider_priority"],
  ])("is refused at the start where %s is %s", async (name, value, path) => {
    await expect(startSpeechServer({ ...place, env: { [name]: value } })).rejects.toThrow(path);
  });

  test("is its folder as well: it does not start in one without the console", async () => {
    const cwd = join(folder.path, "empty");
    mkdirSync(cwd);
    await expect(startSpeechServer({ ...place, cwd })).rejects.toThrow("Directory 'realtime-console/dist' does not exist");
    cpSync(join(place.cwd, "realtime-console"), join(cwd, "realtime-console"), { recursive: true });
    await using server = await startSpeechServer({ ...place, cwd });
    expect((await askForSpeech(server, {})).status).toBe(500);
  });

  test("needs the extra for the user interface, unless that is off", async () => {
    const environment = join(folder.path, "bare");
    await makeEnvironment(environment);
    expect((await install(environment, join(folder.path, "wheels"), "speaches")).exit).toBe(0);
    await expect(startSpeechServer({ ...place, environment })).rejects.toThrow("No module named 'gradio'");
    await using server = await startSpeechServer({ ...place, environment, env: { ENABLE_UI: "false" } });
    expect(await hear(server, await say(server, "turn left"))).toBe("turn left");
  });
});

describe.skipIf(missing !== undefined)("the stand-in for onnxruntime", () => {
  const orders = (told: object): Record<string, string> => ({
    ONNXRUNTIME_STAND_IN: JSON.stringify({ available: [COREML, CPU], ...told }),
  });
  const sessions = async (server: SpeechServer): Promise<Record<string, string[]>> =>
    (JSON.parse(await (await fetch(`${server.url}/debug/config`)).text()) as { sessions: Record<string, string[]> }).sessions;

  test("takes the first provider", async () => {
    await using server = await startSpeechServer({ ...place, env: orders({}) });
    expect((await askForSpeech(server, {})).status).toBe(200);
    expect(await sessions(server)).toEqual({ [TTS_MODEL]: [COREML, CPU] });
  });

  test("fails where it is told to, and not once that provider is excluded; listening goes on all the while", async () => {
    const env = orders({ failing: [COREML] });
    const audio = new Blob([readFileSync(await recorded())]);
    await using broken = await startSpeechServer({ ...place, env });
    expect(await (await askForSpeech(broken, {})).json()).toMatchObject({ error: expect.stringContaining(`FAIL : ${COREML}`) });
    expect(await hear(broken, audio)).toBe("turn left");

    const excluded = { ...env, UNSTABLE_ORT_OPTS__EXCLUDE_PROVIDERS: JSON.stringify([COREML]) };
    await using mended = await startSpeechServer({ ...place, env: excluded });
    expect((await askForSpeech(mended, {})).status).toBe(200);
    expect(await sessions(mended)).toEqual({ [TTS_MODEL]: [CPU] });
  });

  test("passes over a provider whose library is not there, with a warning", async () => {
    await using server = await startSpeechServer({ ...place, env: orders({ lacking: [COREML] }) });
    expect((await askForSpeech(server, {})).status).toBe(200);
    expect(server.log()).toContain(`Failed to create ${COREML}`);
    expect(await sessions(server)).toEqual({ [TTS_MODEL]: [CPU] });
  });

  test("ends the process where it is told to", async () => {
    await using server = await startSpeechServer({ ...place, env: orders({ crashing: [COREML] }) });
    await askForSpeech(server, {}).catch(() => undefined);
    await until(() => server.process.signalCode === "SIGABRT", "the process is aborted");
  });
});

describe.skipIf(missing !== undefined)("the wheels of the stand-in", () => {
  test("are the same bytes each time", async () => {
    const [one, two] = await Promise.all(
      ["one", "two"].map(async (name) => {
        const wheels = await buildSpeechWheels({ folder: join(folder.path, name), as: "both" });
        return wheels.files.map((file) => [file, Bun.hash(readFileSync(join(wheels.folder, file)))]);
      }),
    );
    expect(one).toEqual(two as typeof one & {});
    expect(one?.map(([name]) => name)).toContain("speaches-0.8.3.tar.gz");
  });

  test.each([
    ["wheel", { requiresPython: "<3.8" }, "speaches"],
    ["sdist", { requiresPython: "<3.8" }, "speaches"],
    ["wheel", { boundedDependency: "<3.8" }, "kokoro-onnx"],
    ["sdist", { boundedDependency: "<3.8" }, "kokoro-onnx"],
  ] as const)("are refused by pip where their bound is too strict: as %s, %p", async (as, bounds, refused) => {
    using own = makeTemporaryFolder("harbor-speech-");
    const wheels = await buildSpeechWheels({ folder: join(own.path, "wheels"), as, ...bounds });
    await makeEnvironment(join(own.path, "environment"));
    const { exit, stderr } = await install(join(own.path, "environment"), wheels.folder, wheels.requirement);
    expect(exit).toBe(1);
    expect(stderr).toContain("<3.8");
    expect(stderr).toContain(refused);
  });

  test("can be built from source by pip", async () => {
    using own = makeTemporaryFolder("harbor-speech-");
    const environment = await installSpeechServer(own.path, { as: "sdist" });
    await using server = await startSpeechServer({ ...place, environment });
    expect(await hear(server, await say(server, "turn left"))).toBe("turn left");
  });
});

/** A file with "turn left" in it, spoken by a server whose speech is well. */
async function recorded(): Promise<string> {
  const file = join(folder.path, "turn-left.mp3");
  await using server = await startSpeechServer(place);
  await Bun.write(file, await say(server, "turn left"));
  return file;
}

function askForSpeech(server: SpeechServer, body: object, headers: Record<string, string> = {}): Promise<Response> {
  const whole = { model: TTS_MODEL, input: "turn left", voice: "af_heart", ...body };
  return fetch(`${server.url}/v1/audio/speech`, { method: "POST", headers, body: JSON.stringify(whole) });
}

function askForText(server: SpeechServer, audio: Blob, fields: Record<string, string> = {}): Promise<Response> {
  const form = new FormData();
  form.set("file", audio, "audio");
  for (const [name, value] of Object.entries({ model: STT_MODEL, ...fields })) form.set(name, value);
  return fetch(`${server.url}/v1/audio/transcriptions`, { method: "POST", body: form });
}

async function say(server: SpeechServer, input: string, model = TTS_MODEL): Promise<Blob> {
  const response = await askForSpeech(server, { input, model });
  if (response.status !== 200) throw new Error(await response.text());
  return new Blob([await response.arrayBuffer()]);
}

async function hear(server: SpeechServer, audio: Blob, model = STT_MODEL): Promise<string> {
  const response = await askForText(server, audio, { model });
  if (response.status !== 200) throw new Error(await response.text());
  return ((await response.json()) as { text: string }).text;
}

async function bytesOf(response: Promise<Response>): Promise<Uint8Array> {
  return new Uint8Array(await (await response).arrayBuffer());
}
