/** POST /v1/chat/completions, whole or streamed */
import { type Answer, makeAnswer, makeId } from "../answer.ts";
import { readBody, readInteger, readStream, refuseSeveral } from "../read-body.ts";
import { joinTexts, lastQuestion, readMessages } from "../read-messages.ts";
import type { Settings } from "../settings.ts";
import { streamChunks } from "../stream.ts";
import { CHAT_MODEL, CREATED, checkModel } from "./models.ts";

const MAX_TOKENS = 1_000_000;

export async function completeChat(request: Request, settings: Settings): Promise<Response> {
  const body = await readBody(request);
  const model = checkModel(body, CHAT_MODEL);
  refuseSeveral(body);
  const messages = readMessages(body, "messages");
  const maxTokens = readInteger(body, "max_completion_tokens", 1, MAX_TOKENS) ?? readInteger(body, "max_tokens", 1, MAX_TOKENS);
  const answer = makeAnswer(lastQuestion(messages), joinTexts(messages), maxTokens);
  const head = { id: makeId("chatcmpl", body), created: CREATED, model, system_fingerprint: "mock-openai" };
  const { isStream, hasUsage } = readStream(body);
  if (isStream)
    return streamChunks(makeChunks({ ...head, object: "chat.completion.chunk" }, answer, hasUsage), settings.tokenDelayMs, request);
  const message = { role: "assistant", content: answer.tokens.join(""), refusal: null };
  const choice = { index: 0, message, logprobs: null, finish_reason: answer.finishReason };
  return Response.json({ ...head, object: "chat.completion", choices: [choice], usage: answer.usage });
}

/** The role, the tokens, why it ends, and where it was asked for the count: `usage` is null before, as OpenAI has it. */
function* makeChunks(head: object, answer: Answer, hasUsage: boolean): Generator<object> {
  const usage = hasUsage ? { usage: null } : {};
  const chunk = (delta: object, finish_reason: string | null): object => {
    return { ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason }], ...usage };
  };
  yield chunk({ role: "assistant", content: "" }, null);
  for (const content of answer.tokens) yield chunk({ content }, null);
  yield chunk({}, answer.finishReason);
  if (hasUsage) yield { ...head, choices: [], usage: answer.usage };
}
