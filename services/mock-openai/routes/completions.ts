/** POST /v1/completions, whole or streamed: the older interface, still asked for by some clients */
import { makeAnswer, makeId } from "../answer.ts";
import { ApiError } from "../api-error.ts";
import { type Body, readBody, readInteger, readStream, refuseSeveral } from "../read-body.ts";
import type { Settings } from "../settings.ts";
import { streamChunks } from "../stream.ts";
import { CHAT_MODEL, CREATED, checkModel } from "./models.ts";

/** As OpenAI has it for this interface. */
const DEFAULT_MAX_TOKENS = 16;

export async function completeText(request: Request, settings: Settings): Promise<Response> {
  const body = await readBody(request);
  const model = checkModel(body, CHAT_MODEL);
  refuseSeveral(body);
  const prompt = readPrompt(body);
  const answer = makeAnswer(prompt, prompt, readInteger(body, "max_tokens", 0, 1_000_000) ?? DEFAULT_MAX_TOKENS);
  const head = { id: makeId("cmpl", body), object: "text_completion", created: CREATED, model };
  const choice = (text: string, finish_reason: string | null): object => ({ index: 0, text, logprobs: null, finish_reason });
  const { isStream, hasUsage } = readStream(body);
  if (!isStream) return Response.json({ ...head, choices: [choice(answer.tokens.join(""), answer.finishReason)], usage: answer.usage });
  function* makeChunks(): Generator<object> {
    for (const token of answer.tokens) yield { ...head, choices: [choice(token, null)] };
    yield { ...head, choices: [choice("", answer.finishReason)] };
    if (hasUsage) yield { ...head, choices: [], usage: answer.usage };
  }
  return streamChunks(makeChunks(), settings.tokenDelayMs, request);
}

function readPrompt(body: Body): string {
  const prompt: unknown = Array.isArray(body.prompt) && body.prompt.length === 1 ? body.prompt[0] : body.prompt;
  if (typeof prompt === "string") return prompt;
  throw new ApiError("'prompt' must be a string, or a list of one", { param: "prompt" });
}
