/** The queue in Redis: what goes into the scripts of redis-queue-scripts.ts, and what comes out. */
import { readId, writeId } from "./message-id.ts";
import type { RedisLink } from "./redis-link.ts";
import { ACK, DEAD_LETTERS, DEPTH, RECEIVE, REDRIVE, RELEASE, SWEEP } from "./redis-queue-scripts.ts";
import { SEND } from "./redis-send-script.ts";
import {
  DEATHS_AT_ONCE,
  type DeadLetter,
  type Death,
  type Delivery,
  fullError,
  type Message,
  type NewMessage,
  type Queue,
  type QueueDepth,
  type StoreOptions,
} from "./store.ts";
import { readBody, writeBody } from "./values.ts";

/** While a script runs, everybody else waits. */
const RECEIVED_AT_ONCE = 10_000;

/** `prefix`: its keys are "<prefix>:queue:*". */
export function makeRedisQueue(link: RedisLink, prefix: string, options: StoreOptions): Queue {
  const base = `${prefix}:queue`;
  const { maxAttempts, maxWaiting, idempotencyMs, deadLetterMs, now } = options;
  return {
    send: async (messages) => {
      if (messages.length === 0) return [];
      const limits = [base, now(), idempotencyMs, messages.length, maxWaiting];
      const answer = (await link.run(SEND, limits, groupByPair(messages))) as string[];
      if (answer[0] === "full") throw fullError(answer.slice(1), maxWaiting);
      return readSent(answer, messages.length);
    },
    receive: async (to, { max, visibilityMs, now: at }) => {
      const visibleUntil = at + visibilityMs;
      const answer = await link.run(RECEIVE, [base, to, at, Math.min(max, RECEIVED_AT_ONCE), visibleUntil, maxAttempts]);
      return readDeliveries(answer as (string | number)[], to, visibleUntil);
    },
    ack: async (to, receipts) => Number(await link.run(ACK, [base, to], groupReceipts(receipts))),
    release: async (to, receipts, delayMs) => {
      const at = now();
      const until = delayMs > 0 ? at + delayMs : "";
      return Number(await link.run(RELEASE, [base, to, at, until, maxAttempts], groupReceipts(receipts)));
    },
    deadLetters: async (to) => {
      const answer = (await link.run(DEAD_LETTERS, [base, to ?? ""])) as string[];
      const letters: DeadLetter[] = [];
      for (let i = 0; i < answer.length; i += 3)
        letters.push(readDeadLetter(answer[i] as string, answer[i + 1] as string, answer[i + 2] as string));
      return letters.sort((a, b) => (readId(a.id) ?? 0) - (readId(b.id) ?? 0));
    },
    redrive: async (ids) => Number(await link.run(REDRIVE, [base], [...new Set(ids)])),
    depth: async (to) => {
      const answer = (await link.run(DEPTH, [base, to ?? ""])) as (string | number)[];
      const depths: [string, QueueDepth][] = [];
      for (let i = 0; i < answer.length; i += 4)
        depths.push([String(answer[i]), { waiting: Number(answer[i + 1]), inFlight: Number(answer[i + 2]), dead: Number(answer[i + 3]) }]);
      return Object.fromEntries(depths);
    },
    sweep: async (at) => {
      const recipients = (await link.send("SMEMBERS", [`${base}:recipients`])) as Iterable<string>;
      let died = 0;
      for (const to of recipients) died += Number(await link.run(SWEEP, [base, to, at, maxAttempts, at - deadLetterMs]));
      return died;
    },
    deaths: async () => {
      const lines = ((await link.send("LPOP", [`${base}:deaths`, String(DEATHS_AT_ONCE)])) ?? []) as string[];
      return lines.map((line) => JSON.parse(line) as Death);
    },
  };
}

interface Group {
  to: string;
  from: string;
  isPlain: boolean;
  members: { place: number; message: NewMessage }[];
}

/** What SEND takes of each message, those of one pair together. */
function groupByPair(messages: readonly NewMessage[]): string[] {
  const groups = new Map<string, Group>();
  for (const [place, message] of messages.entries()) {
    const { from, to, expiresAt, idempotencyKey } = message;
    const name = `${to.length}:${to}${from}`;
    let group = groups.get(name);
    if (group === undefined) {
      group = { to, from, isPlain: true, members: [] };
      groups.set(name, group);
    }
    group.isPlain &&= expiresAt === null && idempotencyKey === null;
    group.members.push({ place, message });
  }
  return [...groups.values()].flatMap(writeGroup);
}

function writeGroup({ to, from, isPlain, members }: Group): string[] {
  const args = [to, from, String(members.length), isPlain ? "1" : ""];
  for (const { place, message } of members) {
    const expiry = message.expiresAt === null ? "" : String(message.expiresAt);
    args.push(String(place), `${expiry}|${writeBody(message)}`);
    if (!isPlain) args.push(expiry, message.idempotencyKey ?? "");
  }
  return args;
}

function readSent([first, ...duplicates]: readonly string[], count: number): { id: string; isDuplicate: boolean }[] {
  const sent = Array.from({ length: count }, (_, place) => ({ id: writeId(Number(first) + place), isDuplicate: false }));
  for (let i = 0; i < duplicates.length; i += 2) sent[Number(duplicates[i])] = { id: duplicates[i + 1] as string, isDuplicate: true };
  return sent;
}

function readDeliveries(answer: readonly (string | number)[], to: string, visibleUntil: number): Delivery[] {
  const deliveries: Delivery[] = [];
  for (let at = 0; at < answer.length; ) {
    const from = String(answer[at]);
    const end = at + 2 + 3 * Number(answer[at + 1]);
    for (at += 2; at < end; at += 3) {
      const id = answer[at] as string;
      const attempt = Number(answer[at + 1]);
      const message = readMessage(id, from, to, answer[at + 2] as string);
      deliveries.push({ message, receipt: `${id}.${attempt}.${from}`, attempt, visibleUntil });
    }
  }
  return deliveries;
}

/** What ACK and RELEASE take of the receipts, "<id>.<attempt>.<from>", those of one pair together; what is no receipt is left out. */
function groupReceipts(receipts: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const receipt of new Set(receipts)) {
    const [, id, attempt, from] = /^(\d+-\d+)\.(\d+)\.(.*)$/s.exec(receipt) ?? [];
    if (id === undefined || attempt === undefined || from === undefined) continue;
    const group = groups.get(from);
    if (group === undefined) groups.set(from, [id, attempt]);
    else group.push(id, attempt);
  }
  return [...groups].flatMap(([from, pairs]) => [from, String(pairs.length / 2), ...pairs]);
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
