/** POST /v1/messages, Anthropic's interface, whole or streamed; and the count of what would be asked */
import { type Answer, countUsage, makeAnswer, makeId } from "../answer.ts";
import { type Body, readBody, readInteger, readStream } from "../read-body.ts";
import { joinTexts, lastQuestion, type Message, readContent, readMessages } from "../read-messages.ts";
import type { Settings } from "../settings.ts";
import { streamEvents } from "../stream.ts";
import { CHAT_MODEL, checkModel } from "./models.ts";

const MAX_TOKENS = 1_000_000;

export async function completeMessages(request: Request, settings: Settings): Promise<Response> {
  const body = await readBody(request);
  const model = checkModel(body, CHAT_MODEL);
  const messages = readAll(body);
  const answer = makeAnswer(lastQuestion(messages), joinTexts(messages), readInteger(body, "max_tokens", 1, MAX_TOKENS));
  const head = { id: makeId("msg", body), type: "message", role: "assistant", model };
  if (readStream(body).isStream) return streamEvents(makeEvents(head, answer), settings.tokenDelayMs, request);
  const content = [{ type: "text", text: answer.tokens.join("") }];
  return Response.json({ ...head, content, ...endOf(answer), usage: usageOf(answer) });
}

export async function countMessageTokens(request: Request): Promise<Response> {
  const body = await readBody(request);
  checkModel(body, CHAT_MODEL);
  return Response.json({ input_tokens: countUsage(joinTexts(readAll(body)), 0).prompt_tokens });
}

/** The instructions stand beside the messages. */
function readAll(body: Body): Message[] {
  const messages = readMessages(body, "messages");
  const system = readContent(body.system, "system");
  return system === "" ? messages : [{ role: "system", text: system }, ...messages];
}

type Event = { type: string } & Record<string, unknown>;

/** The message without content, one block of text token by token, why it ends. */
function* makeEvents(head: object, answer: Answer): Generator<Event> {
  const usage = usageOf(answer);
  const message = { ...head, content: [], stop_reason: null, stop_sequence: null, usage: { ...usage, output_tokens: 0 } };
  yield { type: "message_start", message };
  yield { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
  for (const text of answer.tokens) yield { type: "content_block_delta", index: 0, delta: { type: "text_delta", text } };
  yield { type: "content_block_stop", index: 0 };
  yield { type: "message_delta", delta: endOf(answer), usage: { output_tokens: usage.output_tokens } };
  yield { type: "message_stop" };
}

function endOf({ finishReason }: Answer): { stop_reason: string; stop_sequence: null } {
  return { stop_reason: finishReason === "length" ? "max_tokens" : "end_turn", stop_sequence: null };
}

function usageOf({ usage }: Answer): { input_tokens: number; output_tokens: number } {
  return { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens };
}
