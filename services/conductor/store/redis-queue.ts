/** The queue in Redis: what goes into the scripts of redis-queue-scripts.ts, and what comes out. */
import { readId } from "./message-id.ts";
import type { RedisLink } from "./redis-link.ts";
import { ACK, DEAD_LETTERS, DEPTH, RECEIVE, REDRIVE, RELEASE, SEND, SWEEP } from "./redis-queue-scripts.ts";
import type { DeadLetter, Delivery, Message, NewMessage, Queue, QueueDepth, StoreOptions } from "./store.ts";
import { readBody, writeBody } from "./values.ts";

/** One script call makes everybody else wait for its end. */
const RECEIVED_AT_ONCE = 10_000;

/** `prefix`: its keys are "<prefix>:queue:*". */
export function makeRedisQueue(link: RedisLink, prefix: string, options: StoreOptions): Queue {
  const base = `${prefix}:queue`;
  const { maxAttempts, idempotencyMs, deadLetterMs, now } = options;
  return {
    send: async (messages) => {
      if (messages.length === 0) return [];
      const answer = (await link.run(SEND, [base, now(), idempotencyMs, messages.length, ...groupByPair(messages)])) as string[];
      return readSent(answer, messages.length);
    },
    receive: async (to, { max, visibilityMs, now: at }) => {
      const visibleUntil = at + visibilityMs;
      const answer = (await link.run(RECEIVE, [base, to, at, Math.min(max, RECEIVED_AT_ONCE), visibleUntil, maxAttempts])) as string[];
      const deliveries: Delivery[] = [];
      for (let i = 0; i < answer.length; i += 2) deliveries.push(readDelivery(answer[i] as string, answer[i + 1] as string, to, visibleUntil));
      return deliveries;
    },
    ack: async (to, receipts) => (receipts.length === 0 ? 0 : ((await link.run(ACK, [base, to, ...receipts])) as number)),
    release: async (to, receipts, delayMs) => {
      if (receipts.length === 0) return 0;
      const at = now();
      return (await link.run(RELEASE, [base, to, at, delayMs > 0 ? at + delayMs : "", maxAttempts, ...receipts])) as number;
    },
    deadLetters: async (to) => {
      const answer = (await link.run(DEAD_LETTERS, [base, to ?? ""])) as string[];
      const letters: DeadLetter[] = [];
      for (let i = 0; i < answer.length; i += 3)
        letters.push(readDeadLetter(answer[i] as string, answer[i + 1] as string, answer[i + 2] as string));
      return letters.sort((a, b) => (readId(a.id) ?? 0) - (readId(b.id) ?? 0));
    },
    redrive: async (ids) => (ids.length === 0 ? 0 : ((await link.run(REDRIVE, [base, ...ids])) as number)),
    depth: async (to) => {
      const answer = (await link.run(DEPTH, [base, to ?? ""])) as (string | number)[];
      const depths: [string, QueueDepth][] = [];
      for (let i = 0; i < answer.length; i += 4)
        depths.push([String(answer[i]), { waiting: Number(answer[i + 1]), inFlight: Number(answer[i + 2]), dead: Number(answer[i + 3]) }]);
      return Object.fromEntries(depths);
    },
    sweep: async (at) => {
      const recipients = (await link.send("SMEMBERS", [`${base}:recipients`])) as string[];
      let died = 0;
      for (const to of recipients) died += (await link.run(SWEEP, [base, to, at, maxAttempts, at - deadLetterMs])) as number;
      return died;
    },
  };
}

/** What SEND takes of each message, those of one pair together. */
function groupByPair(messages: readonly NewMessage[]): (string | number)[] {
  const groups = new Map<string, { head: [string, string]; args: (string | number)[] }>();
  for (const [place, message] of messages.entries()) {
    const { from, to, expiresAt, idempotencyKey } = message;
    const name = `${to.length}:${to}${from}`;
    let group = groups.get(name);
    if (group === undefined) {
      group = { head: [to, from], args: [] };
      groups.set(name, group);
    }
    const expiry = expiresAt ?? "";
    group.args.push(place, expiry, idempotencyKey ?? "", `${expiry}|${writeBody(message)}`);
  }
  return [...groups.values()].flatMap(({ head, args }) => [...head, args.length / 4, ...args]);
}

function readSent(answer: readonly string[], count: number): { id: string; isDuplicate: boolean }[] {
  const sent = new Array<{ id: string; isDuplicate: boolean }>(count);
  for (let i = 0; i < answer.length; i += 3) sent[Number(answer[i])] = { id: answer[i + 1] as string, isDuplicate: answer[i + 2] === "1" };
  return sent;
}

/** The receipt is "<id>.<attempt>.<from>". */
function readDelivery(receipt: string, text: string, to: string, visibleUntil: number): Delivery {
  const afterId = receipt.indexOf(".");
  const afterAttempt = receipt.indexOf(".", afterId + 1);
  const message = readMessage(receipt.slice(0, afterId), receipt.slice(afterAttempt + 1), to, text);
  return { message, receipt, attempt: Number(receipt.slice(afterId + 1, afterAttempt)), visibleUntil };
}

/** The text is "<expiry or nothing>|<JSON>". */
function readMessage(id: string, from: string, to: string, text: string): Message {
  const bar = text.indexOf("|");
  return { id, from, to, expiresAt: bar === 0 ? null : Number(text.slice(0, bar)), ...readBody(text.slice(bar + 1)) };
}

function readDeadLetter(to: string, id: string, text: string): DeadLetter {
  const end = text.indexOf("\n");
  const { reason, attempts, diedAt, from } = JSON.parse(text.slice(0, end)) as Record<string, string>;
  const message = readMessage(id, from as string, to, text.slice(end + 1));
  return { ...message, reason: reason as DeadLetter["reason"], attempts: Number(attempts), diedAt: Number(diedAt) };
}
