/** Open WebUI is told the same of speech, whatever speaches runs on; as `harbor env` shows it. */
import { afterAll, expect, test } from "bun:test";
import { Sandbox } from "../../cli/_sandbox.ts";

const sandbox = await Sandbox.create();
afterAll(() => sandbox.remove());

interface Told {
  service: string;
  variables: { name: string; value: string }[];
}

/** What webui is told of speech. */
async function tellWebui(...words: string[]): Promise<Record<string, string>> {
  const told = await sandbox.json<Told[]>(["env", "webui", ...words]);
  const variables = told.find(({ service }) => service === "webui")?.variables ?? [];
  return Object.fromEntries(variables.filter(({ name }) => name.startsWith("AUDIO_")).map(({ name, value }) => [name, value]));
}

test("the addresses, models and voice are the same natively and in a container", async () => {
  const [inContainer, ...natively] = await Promise.all([
    tellWebui("-c", "speaches"),
    tellWebui("-x", "speaches"),
    tellWebui("-x", "ollama,speaches"),
  ]);
  expect(inContainer).toMatchObject({
    AUDIO_STT_OPENAI_API_BASE_URL: "http://speaches:8000/v1",
    AUDIO_TTS_OPENAI_API_BASE_URL: "http://speaches:8000/v1",
    AUDIO_STT_MODEL: "Systran/faster-whisper-small",
    AUDIO_TTS_MODEL: "speaches-ai/Kokoro-82M-v1.0-ONNX",
    AUDIO_TTS_VOICE: "af_heart",
  });
  for (const told of natively) expect(told).toEqual(inContainer);
});
