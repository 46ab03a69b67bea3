/**
 * Whether a running server can speak and listen, found out by doing both once: text → audio → text. A model that is
 * listed may still not load on this GPU; only the first use tells.
 */

/** What is wrong, in words; undefined where it works. */
export interface SpeechCheck {
  tts?: string | undefined;
  stt?: string | undefined;
}

export interface CheckRequest {
  /** `http://127.0.0.1:34331` */
  url: string;
  /** What the server asks of everybody, where it does. */
  key?: string | undefined;
  sttModel: string;
  ttsModel: string;
  voice: string;
  /** For each of the two; loading a model is part of it. */
  timeoutMs: number;
  signal: AbortSignal;
}

const SENTENCE = "Ready when you are.";
const SAMPLE_RATE = 16_000;

/** Never throws but by `signal`: what goes wrong is the answer. */
export async function checkSpeech(request: CheckRequest): Promise<SpeechCheck> {
  const spoken = await attempt(() => speak(request), request.signal);
  const audio = spoken.ok ?? makeTone();
  const heard = await attempt(() => listen(request, audio), request.signal);
  return { tts: spoken.problem, stt: heard.problem };
}

/** One half of it alone. */
export async function checkHalf(half: keyof SpeechCheck, request: CheckRequest): Promise<string | undefined> {
  const work = half === "tts" ? () => speak(request) : () => listen(request, makeTone());
  return (await attempt<unknown>(work, request.signal)).problem;
}

async function speak({ url, key, ttsModel, voice, timeoutMs, signal }: CheckRequest): Promise<Uint8Array> {
  const body = JSON.stringify({ model: ttsModel, voice, input: SENTENCE, response_format: "wav" });
  const headers = { "content-type": "application/json", ...authorization(key) };
  const answer = await fetch(`${url}/v1/audio/speech`, { method: "POST", headers, body, signal: limit(signal, timeoutMs) });
  // a model that does not load may only show in the middle of the body
  const audio = new Uint8Array(await answer.arrayBuffer());
  if (!answer.ok) throw new Error(describe(answer.status, new TextDecoder().decode(audio)));
  if (audio.length < 1_000 || new TextDecoder().decode(audio.subarray(0, 4)) !== "RIFF") {
    throw new Error(`the answer to POST /v1/audio/speech is no audio (${audio.length} bytes)`);
  }
  return audio;
}

async function listen({ url, key, sttModel, timeoutMs, signal }: CheckRequest, audio: Uint8Array): Promise<string> {
  const form = new FormData();
  form.set("model", sttModel);
  form.set("response_format", "json");
  form.set("file", new Blob([audio], { type: "audio/wav" }), "check.wav");
  const answer = await fetch(`${url}/v1/audio/transcriptions`, {
    method: "POST",
    headers: authorization(key),
    body: form,
    signal: limit(signal, timeoutMs),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(describe(answer.status, text));
  if (typeof readField(text, "text") !== "string") throw new Error("the answer to POST /v1/audio/transcriptions has no text");
  return text;
}

function authorization(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

function limit(signal: AbortSignal, timeoutMs: number): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
}

async function attempt<T>(work: () => Promise<T>, signal: AbortSignal): Promise<{ ok?: T; problem?: string }> {
  try {
    return { ok: await work() };
  } catch (error) {
    signal.throwIfAborted();
    const { name, message } = error as Error;
    // bun tells a programmer where to learn more
    return { problem: name === "TimeoutError" ? "no answer in time" : message.replace(/\.? For more information, pass .*$/, "") };
  }
}

/** `{"detail": …}` is how speaches says what is wrong. */
function describe(status: number, body: string): string {
  const detail = readField(body, "detail") ?? readField(body, "error");
  const words = typeof detail === "string" ? detail : body;
  return `${status}${words.trim() === "" ? "" : `: ${words.trim().slice(0, 300)}`}`;
}

function readField(body: string, name: string): unknown {
  try {
    return (JSON.parse(body) as Record<string, unknown> | null)?.[name];
  } catch {
    return undefined;
  }
}

/** A second of a quiet tone as a WAV file, for a listener who is to be tried though nobody speaks. */
function makeTone(): Uint8Array {
  const samples = Int16Array.from({ length: SAMPLE_RATE }, (_, index) => 2_000 * Math.sin((2 * Math.PI * 440 * index) / SAMPLE_RATE));
  const header = new DataView(new ArrayBuffer(44));
  const text = (at: number, word: string): void => new Uint8Array(header.buffer).set(new TextEncoder().encode(word), at);
  text(0, "RIFF");
  header.setUint32(4, 36 + samples.byteLength, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // one channel
  header.setUint32(24, SAMPLE_RATE, true);
  header.setUint32(28, SAMPLE_RATE * 2, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, samples.byteLength, true);
  return Buffer.concat([new Uint8Array(header.buffer), new Uint8Array(samples.buffer)]);
}
