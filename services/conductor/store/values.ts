/** Values as JSON text, the same in both stores. */
import type { Message, NewMessage } from "./store.ts";

/** Throws a TypeError for what JSON cannot say; undefined is null. */
export function toJson(value: unknown): string {
  return JSON.stringify(value) ?? "null";
}

/** Of what another program may have written: what is no JSON is a text. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

type Body = Pick<Message, "type" | "payload" | "sentAt" | "idempotencyKey" | "headers">;

/** A message but for its ids and its expiry, which stores keep beside it. */
export function writeBody({ type, payload, sentAt, idempotencyKey, headers }: NewMessage): string {
  return JSON.stringify({ type, payload: payload ?? null, sentAt, idempotencyKey, headers } satisfies Body);
}

export function readBody(text: string): Body {
  return JSON.parse(text) as Body;
}
