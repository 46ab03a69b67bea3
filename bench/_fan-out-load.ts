/**
 * Many who listen and one who tells, in a process of its own: how long each telling takes to each, and whether all of
 * them come, in order. To a conductor's event streams, or to a NATS server on plain subscriptions.
 *
 *   bun bench/_fan-out-load.ts conductor 8888 5000
 */
import type { Socket } from "bun";
import { TOKEN } from "./_conductor.ts";
import { Connection, encodeRequest } from "./_http.ts";

const [kind = "", portText = "", countText = ""] = process.argv.slice(2);
const [port, count] = [Number(portText), Number(countText)];
const EVENTS = 50;
const PAUSE_MS = 200;
const OPENED_AT_ONCE = 100;
const PATIENCE_MS = 15_000;
const TYPE = "bench-told";

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** What every listener has heard. */
class Heard {
  readonly delays: number[] = [];
  disordered = 0;

  /** A new listener's ear: it takes bytes as they come. */
  listen(): (bytes: Buffer) => void {
    let [rest, last] = ["", 0];
    return (bytes) => {
      const now = nowMs();
      const text = rest + bytes.toString("latin1");
      const end = text.lastIndexOf("\n") + 1;
      rest = text.slice(end);
      for (const [, number, sentMs] of text.slice(0, end).matchAll(/"number":(\d+),"sent":([\d.]+)/g)) {
        if (Number(number) !== last + 1) this.disordered++;
        last = Number(number);
        this.delays.push(now - Number(sentMs));
      }
    };
  }
}

/** One after the other, until each is known to listen. `hello` is sent, `isOpen` says by the first bytes that it was heard. */
async function openAll(heard: Heard, hello: string): Promise<void> {
  for (let opened = 0; opened < count; opened += OPENED_AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened) }, () => openOne(heard.listen(), hello)));
  }
}

async function openOne(listen: (bytes: Buffer) => void, hello: string): Promise<void> {
  const { promise: isOpen, resolve, reject } = Promise.withResolvers<void>();
  let seen = "";
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open: (socket: Socket) => void socket.write(hello),
      data(_, bytes) {
        if (seen.length < 2_000) seen += bytes.toString("latin1");
        // the stream's first comment; the answer to the PING that follows a subscription
        if (seen.includes(": connected") || seen.includes("PONG")) resolve();
        listen(bytes);
      },
      close: () => reject(new Error(`a listener was closed: ${seen.slice(0, 200)}`)),
      error: (_, error) => reject(error),
    },
  });
  await isOpen;
}

/** The body of one telling: both servers carry the same. */
function tell(number: number): string {
  return JSON.stringify({ event_type: TYPE, data: { number, sent: nowMs(), text: "x".repeat(64) } });
}

async function makeConductorTeller(): Promise<(text: string) => Promise<unknown>> {
  const connection = await Connection.open(port);
  return (body) => connection.ask(encodeRequest({ method: "POST", path: "/events/publish", token: TOKEN, body }));
}

async function makeNatsTeller(): Promise<(text: string) => Promise<unknown>> {
  const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
  socket.write('CONNECT {"verbose":false}\r\n');
  return async (text) => socket.write(`PUB ${TYPE} ${Buffer.byteLength(text) + 1}\r\n${text}\n\r\n`);
}

async function run(): Promise<object> {
  const heard = new Heard();
  const isNats = kind === "nats";
  const subscription = encodeRequest({ path: `/events/subscribe?event_type=${TYPE}`, token: TOKEN }).toString("latin1");
  await openAll(heard, isNats ? `CONNECT {"verbose":false}\r\nSUB ${TYPE} 1\r\nPING\r\n` : subscription);
  const teller = await (isNats ? makeNatsTeller() : makeConductorTeller());
  for (let number = 1; number <= EVENTS; number++) {
    await teller(tell(number));
    await Bun.sleep(PAUSE_MS);
  }
  const deadline = performance.now() + PATIENCE_MS;
  while (heard.delays.length < EVENTS * count && performance.now() < deadline) await Bun.sleep(20);
  const sorted = heard.delays.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return { lost: EVENTS * count - sorted.length, disordered: heard.disordered, p50Ms: at(0.5), p99Ms: at(0.99), slowestMs: at(1) };
}

process.stdout.write(`${JSON.stringify(await run())}\n`);
process.exit();
