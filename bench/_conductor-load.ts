/**
 * What a conductor is loaded with over HTTP, by a process of its own: one kind of it, its figures as a line of JSON.
 *
 *   bun bench/_conductor-load.ts flow 8888 30000
 */
import { TOKEN } from "./_conductor.ts";
import { type Asked, Connection, encodeRequest } from "./_http.ts";

const [kind = "", portText = "", ...words] = process.argv.slice(2);
const port = Number(portText);

const CONNECTIONS = 16;
const COMPONENTS = 1_000;
const TURN_MS = 500;
const TURNS = 8;
const BATCH = 500;
const RECEIVED = 100;
const SENDERS = 4;
/** So many that no queue is over its limit. */
const RECEIVERS = 20;
/** Of the flow: senders wait where more than this is not yet acknowledged. */
const UNDER_WAY = 20_000;
const PAYLOAD = { path: "/srv/data/file", size: 4_096, text: "x".repeat(64) };
/** What the components of a large registry say with a beat. */
const METRICS = { cpu_percent: 12.5, active_requests: 3 };

async function ask(connection: Connection, asked: Asked): Promise<Record<string, unknown>> {
  return JSON.parse((await connection.ask(encodeRequest(asked))).toString()) as Record<string, unknown>;
}

function connect(count: number, to = port): Promise<Connection[]> {
  return Promise.all(Array.from({ length: count }, () => Connection.open(to)));
}

interface Registered {
  id: string;
  token: string;
}

async function register(connection: Connection, name: string, intervalS = 30): Promise<Registered> {
  const fields = { component: name, version: "1.4.0", port: 9_000, capabilities: ["bench"], heartbeat_interval: intervalS };
  const answer = await ask(connection, { method: "POST", path: "/register", token: TOKEN, body: JSON.stringify(fields) });
  return { id: answer.component_id as string, token: answer.token as string };
}

/** In order of their numbers, over all connections. */
async function registerMany(connections: readonly Connection[], names: readonly string[], intervalS?: number): Promise<Registered[]> {
  const made: Registered[] = [];
  let next = 0;
  const work = async (connection: Connection): Promise<void> => {
    for (let index = next++; index < names.length; index = next++) {
      made[index] = await register(connection, names[index] as string, intervalS);
    }
  };
  await Promise.all(connections.map(work));
  return made;
}

function namesOf(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${kind}-${index}x`);
}

function beatOf({ id, token }: Registered): Buffer {
  const body = JSON.stringify({ component_id: id, status: "healthy", metrics: METRICS });
  return encodeRequest({ method: "POST", path: "/heartbeat", token, body });
}

/** The same requests again and again, one after the other on each connection: how many are answered in a second. */
async function repeat(requests: readonly Buffer[], connections: readonly Connection[], forMs: number): Promise<{ perSecond: number }> {
  let [next, done] = [0, 0];
  const startMs = performance.now();
  const work = async (connection: Connection): Promise<void> => {
    while (performance.now() - startMs < forMs) {
      await connection.ask(requests[next++ % requests.length] as Buffer);
      done++;
    }
  };
  await Promise.all(connections.map(work));
  return { perSecond: (done * 1_000) / (performance.now() - startMs) };
}

/** To the conductor, and to the Consul at `words[0]`, in turn: a busy moment meets both. */
async function beats(): Promise<object> {
  const [ours, theirs] = [await connect(CONNECTIONS), await connect(CONNECTIONS, Number(words[0]))];
  const beating = (await registerMany(ours, namesOf("beat", COMPONENTS))).map(beatOf);
  const passing: Buffer[] = [];
  for (let index = 0; index < COMPONENTS; index++) {
    const body = JSON.stringify({ ID: `beat-${index}`, Name: `beat-${index}`, TTL: "30s" });
    await theirs[index % CONNECTIONS]?.ask(encodeRequest({ method: "PUT", path: "/v1/agent/check/register", body }));
    passing.push(encodeRequest({ method: "PUT", path: `/v1/agent/check/pass/beat-${index}`, body: "" }));
  }
  const sums = { ours: 0, theirs: 0 };
  for (let turn = 0; turn < TURNS; turn++) {
    sums.ours += (await repeat(beating, ours, TURN_MS)).perSecond;
    sums.theirs += (await repeat(passing, theirs, TURN_MS)).perSecond;
  }
  return { ours: sums.ours / TURNS, theirs: sums.theirs / TURNS };
}

/** One path, asked in the name of one component, where three instances of the target beat. `words`: the path, the target's port. */
async function gets(): Promise<object> {
  const [path = "", targetPort = "9000"] = words;
  const connections = await connect(CONNECTIONS);
  const [first] = connections as [Connection];
  for (let index = 0; index < 3; index++) {
    const fields = { component: "target", port: Number(targetPort), capabilities: ["target"], instances: "many" };
    const { component_id, token } = await ask(first, { method: "POST", path: "/register", token: TOKEN, body: JSON.stringify(fields) });
    await first.ask(beatOf({ id: component_id as string, token: token as string }));
  }
  const { token } = await register(first, "asker");
  return repeat([encodeRequest({ path, token })], connections, TURNS * TURN_MS);
}

/** Registers as many as `words` says, each with a beat; then says so, and stays until its input ends. */
async function fillRegistry(): Promise<object> {
  const [count = "0"] = words;
  const connections = await connect(64);
  const startMs = performance.now();
  const components = await registerMany(connections, namesOf("many", Number(count)));
  const registeredMs = performance.now() - startMs;
  const requests = components.map(beatOf);
  let next = 0;
  const work = async (connection: Connection): Promise<void> => {
    for (let index = next++; index < requests.length; index = next++) await connection.ask(requests[index] as Buffer);
  };
  await Promise.all(connections.map(work));
  return { registrationsPerSecond: (components.length * 1_000) / registeredMs };
}

/** `words`: how many are there and go on beating, how many of others die, each with an interval of so many seconds. How late their first missed beat was told. */
async function deaths(): Promise<object> {
  const [count, victims, intervalS] = words.map(Number) as [number, number, number];
  const connections = await connect(64);
  const living = (await registerMany(connections, namesOf("many", count))).map(beatOf);
  let next = 0;
  const endOfLife = new AbortController();
  const work = async (connection: Connection): Promise<void> => {
    // all of them in turn, within their 30 s
    while (!endOfLife.signal.aborted) {
      await connection.ask(living[next++ % living.length] as Buffer);
      await Bun.sleep(15);
    }
  };
  const others = connections.slice(1);
  const beating = others.map(work);
  const [mine] = connections as [Connection];
  const dying = await registerMany([mine], namesOf("victim", victims), intervalS);
  const told = new Map<string, number>();
  await listenForMisses(told);
  const lastBeat = new Map<string, number>();
  for (const victim of dying) {
    await mine.ask(beatOf(victim));
    lastBeat.set(victim.id, performance.now());
    await Bun.sleep(7);
  }
  const deadline = performance.now() + 2_000 * intervalS + 2_000;
  while (dying.some(({ id }) => !told.has(id)) && performance.now() < deadline) await Bun.sleep(20);
  endOfLife.abort();
  await Promise.all(beating);
  const lateMs = dying.map(({ id }) => (told.get(id) ?? Number.POSITIVE_INFINITY) - (lastBeat.get(id) ?? 0) - 1_000 * intervalS);
  const untold = dying.filter(({ id }) => !told.has(id)).length;
  return { untold, wronglyTold: told.size - dying.length + untold, latestMs: Math.max(...lateMs), medianMs: percentile(lateMs, 0.5) };
}

/** When the first miss of each was told; of those that are said to be living, too. */
async function listenForMisses(told: Map<string, number>): Promise<void> {
  let rest = "";
  const request = encodeRequest({ path: "/events/subscribe?event_type=component-missed-heartbeat", token: TOKEN });
  const { promise: isOpen, resolve: open } = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket) => void socket.write(request),
      data(_, bytes) {
        open();
        const lines = (rest + bytes.toString("latin1")).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const id = /"component_id":"([^"]+)"/.exec(line)?.[1];
          if (id !== undefined && !told.has(id)) told.set(id, performance.now());
        }
      },
    },
  });
  await isOpen;
}

interface Flow {
  sent: number;
  acknowledged: number;
  isOver: boolean;
}

/** Batches of one sender to all receivers in turn. */
async function send(
  sender: Registered,
  targets: readonly Registered[],
  flow: Flow,
  options: { until: number; hasKeys: boolean },
): Promise<void> {
  const [connection] = (await connect(1)) as [Connection];
  const make = (target: Registered): Buffer => {
    const messages = Array.from({ length: BATCH }, () => ({
      to: target.id,
      message_type: "scan",
      payload: PAYLOAD,
      ...(options.hasKeys ? { idempotency_key: crypto.randomUUID() } : {}),
    }));
    return encodeRequest({ method: "POST", path: "/queue/send-batch", token: sender.token, body: JSON.stringify({ messages }) });
  };
  const ready = options.hasKeys ? [] : targets.map(make);
  for (let turn = 0; !flow.isOver && flow.sent < options.until; turn++) {
    const target = turn % targets.length;
    if (flow.sent - flow.acknowledged > UNDER_WAY && options.until === Number.POSITIVE_INFINITY) {
      await Bun.sleep(1);
      continue;
    }
    flow.sent += BATCH;
    await connection.ask(ready[target] ?? make(targets[target] as Registered));
  }
}

/** For some receivers in turn: as much as there is, acknowledged at once. */
async function receive(receivers: readonly Registered[], flow: Flow): Promise<void> {
  const [connection] = (await connect(1)) as [Connection];
  const asks = receivers.map(({ token }) => encodeRequest({ path: `/queue/receive?max=${RECEIVED}`, token }));
  for (let turn = 0; !flow.isOver; turn++) {
    const index = turn % receivers.length;
    const answer = (await connection.ask(asks[index] as Buffer)).toString("latin1");
    const receipts = Array.from(answer.matchAll(/"receipt":"([^"]+)"/g), ([, receipt]) => receipt);
    if (receipts.length === 0) continue;
    const { token } = receivers[index] as Registered;
    await connection.ask(encodeRequest({ method: "POST", path: "/queue/ack", token, body: JSON.stringify({ receipts }) }));
    flow.acknowledged += receipts.length;
  }
}

async function people(): Promise<{ senders: Registered[]; receivers: Registered[] }> {
  const connections = await connect(CONNECTIONS);
  const senders = await registerMany(connections, namesOf("sender", SENDERS));
  return { senders, receivers: await registerMany(connections, namesOf("receiver", RECEIVERS)) };
}

/** Sends as many as `words` says, and nobody receives. */
async function fillQueue(): Promise<object> {
  const { senders, receivers } = await people();
  const flow: Flow = { sent: 0, acknowledged: 0, isOver: false };
  const startMs = performance.now();
  await Promise.all(senders.map((sender) => send(sender, receivers, flow, { until: Number(words[0]), hasKeys: false })));
  return { perSecond: (flow.sent * 1_000) / (performance.now() - startMs) };
}

/** Sends, receives and acknowledges for `words[0]` ms; with idempotency keys where `words[1]` is `keys`. */
async function flow(): Promise<object> {
  const { senders, receivers } = await people();
  const course: Flow = { sent: 0, acknowledged: 0, isOver: false };
  const startMs = performance.now();
  const options = { until: Number.POSITIVE_INFINITY, hasKeys: words[1] === "keys" };
  const perSecond: number[] = [];
  let before = 0;
  const timer = setInterval(() => {
    perSecond.push(course.acknowledged - before);
    before = course.acknowledged;
  }, 1_000);
  setTimeout(() => {
    course.isOver = true;
  }, Number(words[0]));
  const share = RECEIVERS / SENDERS;
  const receiving = senders.map((_, index) => receive(receivers.slice(index * share, (index + 1) * share), course));
  await Promise.all([...senders.map((sender) => send(sender, receivers, course, options)), ...receiving]);
  clearInterval(timer);
  return { perSecond: (course.acknowledged * 1_000) / (performance.now() - startMs), slowestSecond: Math.min(...perSecond) };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const kinds: Record<string, () => Promise<object>> = {
  beats,
  gets,
  "fill-registry": fillRegistry,
  deaths,
  "fill-queue": fillQueue,
  flow,
};
const run = kinds[kind];
if (run === undefined) throw new Error(`no such load: ${kind}`);
process.stdout.write(`${JSON.stringify(await run())}\n`);
process.exit();
