/** POST /v1/chat/completions, whole or streamed */
import { type Answer, makeAnswer, makeId } from "../answer.ts";
import { ApiError } from "../api-error.ts";
import { type Body, readBody, readInteger, readStream, refuseSeveral } from "../read-body.ts";
import type { Settings } from "../settings.ts";
import { streamChunks } from "../stream.ts";
import { CHAT_MODEL, CREATED, checkModel } from "./models.ts";

const MAX_TOKENS = 1_000_000;

export async function completeChat(request: Request, settings: Settings): Promise<Response> {
  const body = await readBody(request);
  const model = checkModel(body, CHAT_MODEL);
  refuseSeveral(body);
  const messages = readMessages(body);
  const question = messages.findLast((message) => message.role === "user")?.text ?? "";
  const maxTokens = readInteger(body, "max_completion_tokens", 1, MAX_TOKENS) ?? readInteger(body, "max_tokens", 1, MAX_TOKENS);
  const answer = makeAnswer(question, messages.map((message) => message.text).join(" "), maxTokens);
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

interface Message {
  role: string;
  text: string;
}

function readMessages(body: Body): Message[] {
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0)
    throw new ApiError("'messages' must be a list that is not empty", { param: "messages" });
  return messages.map((message: unknown, index) => {
    const { role, content } = (typeof message === "object" && message !== null ? message : {}) as Body;
    if (typeof role !== "string") throw new ApiError(`'messages[${index}].role' must be a string`, { param: `messages[${index}].role` });
    return { role, text: readContent(content, index) };
  });
}

/** A text, or parts of which the texts count; an assistant's message that only calls tools has none. */
function readContent(content: unknown, index: number): string {
  if (content === undefined || content === null) return "";
  if (typeof content === "string") return content;
  const param = `messages[${index}].content`;
  if (!Array.isArray(content)) throw new ApiError(`'${param}' must be a string or a list of parts`, { param });
  return content
    .map((part: unknown) => readPart(part))
    .filter((text) => text !== "")
    .join(" ");
}

function readPart(part: unknown): string {
  const { type, text } = (typeof part === "object" && part !== null ? part : {}) as Body;
  if (typeof text === "string") return text;
  return typeof type === "string" ? `[${type}]` : "";
}
