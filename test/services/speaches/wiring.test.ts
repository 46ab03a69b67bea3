/** Open WebUI is told the same of speech, whatever speaches runs on; read off the plan, as docker compose gets it. */
import { afterAll, expect, test } from "bun:test";
import { Sandbox } from "../../cli/_sandbox.ts";

const sandbox = await Sandbox.create();
afterAll(() => sandbox.remove());

interface Plan {
  compose: { services: Record<string, { environment: Record<string, string>; depends_on: Record<string, { condition: string }> }> };
}

/** What webui is told, and what it waits for. */
async function tellWebui(...words: string[]) {
  const { compose } = await sandbox.json<Plan>(["plan", ...words]);
  const { environment, depends_on } = compose.services.webui ?? { environment: {}, depends_on: {} };
  const speech = Object.fromEntries(Object.entries(environment).filter(([name]) => name.startsWith("AUDIO_")));
  return { speech, condition: depends_on.speaches?.condition };
}

test("the addresses, models and voice are the same natively and in a container", async () => {
  const [inContainer, ...natively] = await Promise.all([
    tellWebui("-c", "speaches", "webui"),
    tellWebui("-x", "speaches", "webui"),
    tellWebui("-n", "ollama", "speaches", "webui"),
  ]);
  expect(inContainer.speech).toMatchObject({
    AUDIO_STT_OPENAI_API_BASE_URL: "http://speaches:8000/v1",
    AUDIO_TTS_OPENAI_API_BASE_URL: "http://speaches:8000/v1",
    AUDIO_STT_MODEL: "Systran/faster-whisper-small",
    AUDIO_TTS_MODEL: "speaches-ai/Kokoro-82M-v1.0-ONNX",
    AUDIO_TTS_VOICE: "af_heart",
  });
  expect(inContainer.condition).toBe("service_healthy");
  for (const told of natively) expect(told).toEqual(inContainer);
});
