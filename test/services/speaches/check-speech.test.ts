/** What the trial at the start says of servers that do not work; one that does is in manager.test.ts. */
import { afterAll, expect, test } from "bun:test";
import { type CheckRequest, checkHalf, checkSpeech } from "../../../services/speaches/check-speech.ts";

const AUDIO = new Uint8Array(2_000);
AUDIO.set(new TextEncoder().encode("RIFF"));

type Answer = () => Response | Promise<Response>;
const answers: { speech: Answer; transcription: Answer } = { speech: speaks, transcription: hears };
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  routes: { "/v1/audio/speech": () => answers.speech(), "/v1/audio/transcriptions": () => answers.transcription() },
  fetch: () => new Response("", { status: 404 }),
});
afterAll(() => server.stop(true));

function speaks(): Response {
  return new Response(AUDIO);
}
function hears(): Response {
  return Response.json({ text: "" });
}
/** Begins to answer and breaks off, as a model does that fails when its first sound is asked for. */
function breaksOff(): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(AUDIO.subarray(0, 100));
      controller.error(new Error("the model does not load"));
    },
  });
  return new Response(body, { headers: { "content-length": "2000" } });
}

const request: CheckRequest = {
  url: `http://127.0.0.1:${server.port}`,
  sttModel: "a/stt",
  ttsModel: "a/tts",
  voice: "v",
  timeoutMs: 500,
  signal: new AbortController().signal,
};

test.each([
  ["both work", speaks, hears, undefined, undefined],
  ["an error in the answer", () => Response.json({ detail: "no such voice" }, { status: 422 }), hears, "422: no such voice", undefined],
  ["an error without words", () => new Response("", { status: 500 }), hears, "500", undefined],
  ["a page instead of audio", () => new Response("<html>"), hears, "the answer to POST /v1/audio/speech is no audio (6 bytes)", undefined],
  ["no text", speaks, () => Response.json({}), undefined, "the answer to POST /v1/audio/transcriptions has no text"],
  ["no answer", () => new Promise<Response>(() => {}), hears, "no answer in time", undefined],
] as const)("%s", async (_, speech, transcription, tts, stt) => {
  answers.speech = speech;
  answers.transcription = transcription;
  expect(await checkSpeech(request)).toEqual({ tts, stt });
});

test("a model that breaks off in the middle of its answer does not work", async () => {
  answers.speech = breaksOff;
  answers.transcription = hears;
  const { tts, stt } = await checkSpeech(request);
  expect(tts).toBeString();
  expect(stt).toBeUndefined();
});

test("to be told to stop is no answer", async () => {
  answers.speech = () => new Promise<Response>(() => {});
  const stop = new AbortController();
  const check = checkHalf("tts", { ...request, signal: stop.signal, timeoutMs: 60_000 });
  stop.abort(new Error("stop"));
  await expect(check).rejects.toThrow("stop");
});
