/**
 * Everything at once against a conductor that may be gone at any moment: senders of single messages and of batches, with keys and
 * without, a receiver that acknowledges, writers that compare and set. It remembers what was promised, and `check` says what was not kept.
 */
import { until } from "../../_until.ts";
import type { Program, Reply } from "./_program.ts";

const RECEIVER = "sink-001";
const KEYS = ["left", "right"];
/** Between two tries where nobody answers. */
const PAUSE_MS = 20;
/** Messages of one sender that are not received yet: a loop that is bounded. */
const AHEAD = 400;

interface Lane {
  readonly from: string;
  readonly hasKeys: boolean;
  readonly isBatch: boolean;
  next: number;
  /** By number. */
  readonly accepted: Map<number, string>;
  /** By number: the ids under which it came. */
  readonly received: Map<number, Set<string>>;
  highest: number;
}

export class Traffic {
  readonly #program: Program;
  readonly #lanes: Lane[];
  readonly #work: Promise<void>[] = [];
  readonly problems: string[] = [];
  /** Of each key: writes that were answered, and those of which nobody knows. */
  readonly #written = new Map(KEYS.map((key) => [key, { answered: 0, unsure: 0, last: 0 }]));
  #isSending = true;
  #isReceiving = true;
  /** Answers of any kind. */
  done = 0;
  redelivered = 0;

  constructor(program: Program) {
    this.#program = program;
    const kinds = [true, false].flatMap((hasKeys) => [true, false].map((isBatch) => ({ hasKeys, isBatch })));
    this.#lanes = kinds.map((kind, index) => ({
      ...kind,
      from: `sender${index}-001`,
      next: 0,
      accepted: new Map(),
      received: new Map(),
      highest: -1,
    }));
  }

  get sent(): number {
    return this.#lanes.reduce((sum, { accepted }) => sum + accepted.size, 0);
  }

  get writes(): number {
    return [...this.#written.values()].reduce((sum, { answered }) => sum + answered, 0);
  }

  /** Registers all; registrations are promises too. */
  async start(): Promise<void> {
    for (const id of [...this.#lanes.map(({ from }) => from), RECEIVER]) {
      await this.#program.ask("POST", "/register", { component: id.slice(0, -4), port: 4_001, lease_seconds: 86_400 });
    }
    for (const lane of this.#lanes) this.#work.push(this.#send(lane));
    this.#work.push(this.#receive());
    for (const key of KEYS) this.#work.push(this.#write(key), this.#write(key));
  }

  /** Lets all that is under way come to its end: what was sent is received. */
  async finish(timeoutMs = 30_000): Promise<void> {
    this.#isSending = false;
    await until(
      async () => {
        const reply = await this.#try("GET", `/queue/depth?component=${RECEIVER}`);
        const depth = reply?.body.queues?.[RECEIVER];
        return depth !== undefined && depth.waiting === 0 && depth.in_flight === 0;
      },
      "all is received",
      timeoutMs,
    );
    this.#isReceiving = false;
    await Promise.all(this.#work);
    await this.#check();
  }

  async #send(lane: Lane): Promise<void> {
    while (this.#isSending) {
      if (lane.next - lane.received.size > AHEAD) {
        await Bun.sleep(PAUSE_MS);
        continue;
      }
      const count = lane.isBatch ? 1 + (lane.next % 7) : 1;
      const numbers = Array.from({ length: count }, (_, index) => lane.next + index);
      lane.next += count;
      const messages = numbers.map((n) => ({
        from: lane.from,
        to: RECEIVER,
        payload: n,
        ...(lane.hasKeys && { idempotency_key: `k${n}` }),
      }));
      let ids: string[] | undefined;
      do ids = await this.#sendOnce(lane, messages);
      while (
        // with keys it is asked again until it is answered, without them nobody knows
        ids === undefined &&
        lane.hasKeys
      );
      for (const [index, id] of (ids ?? []).entries()) lane.accepted.set(numbers[index] as number, id);
    }
  }

  async #sendOnce({ isBatch }: Lane, messages: object[]): Promise<string[] | undefined> {
    const reply = isBatch
      ? await this.#try("POST", "/queue/send-batch", { messages })
      : await this.#try("POST", "/queue/send", messages[0] as object);
    if (reply === undefined) return undefined;
    const { messages: answers, message_id: id } = reply.body;
    return isBatch ? answers.map(({ message_id: each }: { message_id: string }) => each) : [id];
  }

  async #receive(): Promise<void> {
    while (this.#isReceiving) {
      const reply = await this.#try("GET", `/queue/receive?component=${RECEIVER}&max=50&visibility=1&wait=1`);
      const messages: { message_id: string; from: string; payload: number; receipt: string; attempt: number }[] =
        reply?.body.messages ?? [];
      for (const message of messages) this.#take(message);
      if (messages.length === 0) continue;
      await this.#try("POST", "/queue/ack", { component_id: RECEIVER, receipts: messages.map(({ receipt }) => receipt) });
    }
  }

  #take({ message_id: id, from, payload: n, attempt }: { message_id: string; from: string; payload: number; attempt: number }): void {
    const lane = this.#lanes.find((each) => each.from === from) as Lane;
    if (attempt > 1) this.redelivered++;
    const ids = lane.received.get(n);
    if (ids !== undefined) {
      ids.add(id);
      return;
    }
    lane.received.set(n, new Set([id]));
    if (n < lane.highest) this.problems.push(`${from}: ${n} came after ${lane.highest}`);
    lane.highest = Math.max(lane.highest, n);
  }

  /** Counts up: whoever read it last may write it. */
  async #write(key: string): Promise<void> {
    const counts = this.#written.get(key) as { answered: number; unsure: number; last: number };
    while (this.#isSending) {
      // what is answered while this is read may be newer
      const { last } = counts;
      const read = await this.#try("GET", `/state/${key}`, undefined, {}, [404]);
      if (read === undefined) continue;
      const value = read.status === 404 ? 0 : read.body.value;
      if (value < last) this.problems.push(`${key} is ${value} after ${last} was answered`);
      const headers: Record<string, string> = read.status === 404 ? { "if-none-match": "*" } : { "if-match": `"${read.body.version}"` };
      const reply = await this.#try("PUT", `/state/${key}`, { value: value + 1 }, headers, [412]);
      if (reply === undefined) counts.unsure++;
      if (reply?.status !== 200) continue;
      counts.answered++;
      counts.last = Math.max(counts.last, value + 1);
    }
  }

  /** Undefined where nobody answered, or the store was away: it may have been done. Anything else is a problem. */
  async #try(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
    expected: number[] = [],
  ): Promise<Reply | undefined> {
    const reply = await this.#program.ask(method, path, body, headers).catch(() => undefined);
    if (reply !== undefined && (reply.status < 300 || expected.includes(reply.status))) {
      this.done++;
      return reply;
    }
    if (reply !== undefined && reply.body?.error?.code !== "unavailable") {
      this.problems.push(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    }
    await Bun.sleep(PAUSE_MS);
    return undefined;
  }

  async #check(): Promise<void> {
    for (const { from, accepted, received, hasKeys } of this.#lanes) {
      const lost = [...accepted].filter(([n, id]) => received.get(n)?.has(id) !== true);
      if (lost.length > 0) this.problems.push(`${from}: ${lost.length} that were accepted never came, ${JSON.stringify(lost[0])}`);
      const doubled = [...received].filter(([, ids]) => ids.size > 1);
      if (hasKeys && doubled.length > 0) this.problems.push(`${from}: ${doubled.length} of one key are several messages`);
    }
    for (const [key, { answered, unsure }] of this.#written) {
      const { value } = (await this.#program.ask("GET", `/state/${key}`)).body;
      if (value < answered || value > answered + unsure) this.problems.push(`${key} is ${value}: ${answered} writes, ${unsure} unsure`);
    }
    const dead = (await this.#program.ask("GET", `/queue/depth?component=${RECEIVER}`)).body.queues[RECEIVER].dead;
    if (dead > 0) this.problems.push(`${dead} messages are dead`);
  }
}
