/** What was said so far, in any of the shapes in which clients send it. */
import { ApiError } from "./api-error.ts";
import type { Body } from "./read-body.ts";

export interface Message {
  role: string;
  text: string;
}

/** A list of messages, in the field of that name. Throws 400 for what is none. */
export function readMessages(body: Body, param: string): Message[] {
  const list = body[param];
  if (!Array.isArray(list) || list.length === 0) throw new ApiError(`'${param}' must be a list that is not empty`, { param });
  return list.map((message: unknown, index) => {
    const { role, content } = (typeof message === "object" && message !== null ? message : {}) as Body;
    if (typeof role !== "string") throw new ApiError(`'${param}[${index}].role' must be a string`, { param: `${param}[${index}].role` });
    return { role, text: readContent(content, `${param}[${index}].content`) };
  });
}

/** A text, or parts of which the texts count; an assistant's message that only calls tools has none. */
export function readContent(content: unknown, param: string): string {
  if (content === undefined || content === null) return "";
  if (typeof content === "string") return content;
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

/** What the user said last; empty where nothing was. */
export function lastQuestion(messages: readonly Message[]): string {
  return messages.findLast((message) => message.role === "user")?.text ?? "";
}

export function joinTexts(messages: readonly Message[]): string {
  return messages.map((message) => message.text).join(" ");
}
