/** POST /v1/responses, whole or streamed; nothing is kept, so that no answer can be gone on from by its name */
import { type Answer, makeAnswer, makeId } from "../answer.ts";
import { ApiError } from "../api-error.ts";
import { type Body, readBody, readInteger, readStream } from "../read-body.ts";
import { joinTexts, lastQuestion, type Message, readContent } from "../read-messages.ts";
import type { Settings } from "../settings.ts";
import { streamEvents } from "../stream.ts";
import { CHAT_MODEL, CREATED, checkModel } from "./models.ts";

const MAX_TOKENS = 1_000_000;

export async function completeResponse(request: Request, settings: Settings): Promise<Response> {
  const body = await readBody(request);
  const model = checkModel(body, CHAT_MODEL);
  const messages = readInput(body);
  const answer = makeAnswer(lastQuestion(messages), joinTexts(messages), readInteger(body, "max_output_tokens", 1, MAX_TOKENS));
  const head: Head = { id: makeId("resp", body), object: "response", created_at: CREATED, model };
  if (readStream(body).isStream) return streamEvents(numbered(makeEvents(head, answer)), settings.tokenDelayMs, request);
  return Response.json(finished(head, answer));
}

interface Head {
  id: string;
  object: "response";
  created_at: number;
  model: string;
}

/** A text, or items of which the messages count; instructions stand beside them. */
function readInput(body: Body): Message[] {
  const { input } = body;
  const system = { role: "system", text: readContent(body.instructions, "instructions") };
  if (typeof input === "string") return [system, { role: "user", text: input }];
  if (!Array.isArray(input) || input.length === 0)
    throw new ApiError("'input' must be a text, or a list that is not empty", { param: "input" });
  const messages = input.flatMap((item: unknown, index): Message[] => {
    const { role, content } = (typeof item === "object" && item !== null ? item : {}) as Body;
    return typeof role === "string" ? [{ role, text: readContent(content, `input[${index}].content`) }] : [];
  });
  return [system, ...messages];
}

type Event = { type: string } & Record<string, unknown>;

/** The response while it is under way, its one message and the one part of that, token by token, the response as it is in the end. */
function* makeEvents(head: Head, answer: Answer): Generator<Event> {
  const item = messageOf(head, answer);
  const [part] = item.content;
  const place = { item_id: item.id, output_index: 0, content_index: 0 };
  const response = { ...head, status: "in_progress", output: [], usage: null, error: null };
  yield { type: "response.created", response };
  yield { type: "response.in_progress", response };
  yield { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } };
  yield { type: "response.content_part.added", ...place, part: { ...part, text: "" } };
  for (const delta of answer.tokens) yield { type: "response.output_text.delta", ...place, delta, logprobs: [] };
  yield { type: "response.output_text.done", ...place, text: part?.text, logprobs: [] };
  yield { type: "response.content_part.done", ...place, part };
  yield { type: "response.output_item.done", output_index: 0, item };
  yield { type: isCut(answer) ? "response.incomplete" : "response.completed", response: finished(head, answer) };
}

function* numbered(events: Iterable<Event>): Generator<Event> {
  let count = 0;
  for (const event of events) yield { ...event, sequence_number: count++ };
}

function finished(head: Head, answer: Answer): object {
  const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
  return {
    ...head,
    status: isCut(answer) ? "incomplete" : "completed",
    incomplete_details: isCut(answer) ? { reason: "max_output_tokens" } : null,
    error: null,
    output: [messageOf(head, answer)],
    usage: {
      input_tokens: prompt_tokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: completion_tokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens,
    },
  };
}

function messageOf({ id }: Head, answer: Answer) {
  const content = [{ type: "output_text", text: answer.tokens.join(""), annotations: [], logprobs: [] }];
  return {
    id: id.replace(/^resp/, "msg"),
    type: "message",
    role: "assistant",
    status: isCut(answer) ? "incomplete" : "completed",
    content,
  };
}

function isCut({ finishReason }: Answer): boolean {
  return finishReason === "length";
}
