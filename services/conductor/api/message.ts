/** A message as it comes in and as it goes out. */
import { isType } from "../core/match-type.ts";
import type { DeadLetter, Delivery, Message, NewMessage } from "../store/store.ts";
import { isoTime } from "./answers.ts";
import { type Fields, invalid, readOptionalNumber, readOptionalText } from "./fields.ts";

const TYPE = { pattern: /^[\s\S]*$/, words: "a name of letters, digits and . _ : - (128 at most)" };
export const KEY = { pattern: /^[\x20-\x7e]{1,256}$/, words: "a text of 1 to 256 characters of ASCII" };
export const HEADERS = { count: 32, name: /^[\w.-]{1,64}$/, length: 1_024 };
export const TTL_S = { fallback: 604_800, most: 31_536_000 };

export interface MessageSides {
  readonly from: string;
  readonly to: string;
  readonly now: number;
  /** Of one that says none, in seconds. */
  readonly ttlS?: number;
}

/** Throws `invalid_request` naming the field. */
export function readMessage(fields: Fields, { from, to, now, ttlS = TTL_S.fallback }: MessageSides): NewMessage {
  const seconds = readOptionalNumber(fields, "ttl_seconds", 0.001, TTL_S.most) ?? ttlS;
  return {
    from,
    to,
    type: readType(fields, "message_type") ?? "message",
    payload: fields.payload ?? null,
    sentAt: now,
    expiresAt: now + Math.round(seconds * 1_000),
    idempotencyKey: readOptionalText(fields, "idempotency_key", KEY) ?? null,
    headers: readHeaders(fields),
  };
}

/** A type as events, messages and requests have them; undefined where it is left out. */
export function readType(fields: Fields, field: string): string | undefined {
  const type = readOptionalText(fields, field, TYPE);
  if (type !== undefined && !isType(type)) throw invalid(field, `must be ${TYPE.words}`);
  return type;
}

function readHeaders({ headers }: Fields): Record<string, string> {
  if (headers === undefined || headers === null) return {};
  if (typeof headers !== "object" || Array.isArray(headers)) throw invalid("headers", "must be an object of texts");
  const entries = Object.entries(headers);
  if (entries.length > HEADERS.count) throw invalid("headers", `may have at most ${HEADERS.count} texts`);
  const isRight = ([name, value]: [string, unknown]): boolean =>
    HEADERS.name.test(name) && typeof value === "string" && value.length <= HEADERS.length;
  if (entries.every(isRight)) return Object.fromEntries(entries) as Record<string, string>;
  throw invalid("headers", `must be texts of at most ${HEADERS.length} characters, under names of letters, digits and . _ -`);
}

export function describeDelivery({ message, receipt, attempt, visibleUntil }: Delivery): object {
  return { ...describe(message), attempt, receipt, visible_until: isoTime(visibleUntil) };
}

export function describeDeadLetter(letter: DeadLetter): object {
  return { ...describe(letter), reason: letter.reason, attempts: letter.attempts, died_at: isoTime(letter.diedAt) };
}

function describe({ id, from, to, type, payload, headers, sentAt, expiresAt }: Message) {
  return {
    message_id: id,
    from,
    to,
    message_type: type,
    payload,
    headers,
    sent_at: isoTime(sentAt),
    expires_at: expiresAt === null ? null : isoTime(expiresAt),
  };
}
