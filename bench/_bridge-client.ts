/**
 * The load of the bridge's benchmark: one kind of it against one host and port, its figures as a line of JSON. Plain
 * sockets, so that the client is not what is measured.
 *
 *   bun bench/_bridge-client.ts keep-alive 127.0.0.1 28651
 */
import type { Socket } from "bun";

const [kind = "", hostname = "", port = ""] = process.argv.slice(2);
const SPAN_MS = 1_500;
const STREAMS = 16;
const TOKENS = 100;
const BURST = 128;
const HELD = 1_000;

interface Events {
  open?: (socket: Socket) => void;
  data: (socket: Socket, bytes: Buffer) => void;
}

/** Ends with the connection; throws where that fails. */
function connect(events: Events): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = { ...events, close: () => resolve(), error: (_: Socket, error: Error) => reject(error) };
  Bun.connect({ hostname, port: Number(port), socket }).catch(reject);
  return promise;
}

function request(path: string, head = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: bench\r\n${head}\r\n`;
}

/** Of a whole answer, by its head. */
function lengthOf(bytes: Buffer): number {
  const end = bytes.indexOf("\r\n\r\n");
  const length = /content-length: (\d+)/i.exec(bytes.subarray(0, end).toString("latin1"))?.[1];
  if (length === undefined) throw new Error("an answer without a length");
  return end + 4 + Number(length);
}

/** Requests a second, one after the other on each of 16 connections. */
async function keepAlive(): Promise<object> {
  const ask = request("/small");
  const startMs = performance.now();
  let answers = 0;
  const talk = (): Promise<void> => {
    let [whole, left] = [0, 0];
    return connect({
      open: (socket) => void socket.write(ask),
      data(socket, bytes) {
        if (whole === 0) [whole, left] = [lengthOf(bytes), lengthOf(bytes)];
        left -= bytes.length;
        if (left > 0) return;
        answers++;
        left = whole;
        if (performance.now() - startMs > SPAN_MS) socket.end();
        else socket.write(ask);
      },
    });
  };
  await Promise.all(Array.from({ length: 16 }, talk));
  return { perSecond: (answers * 1000) / (performance.now() - startMs) };
}

/** One small answer on a connection of its own: how long until it began. */
async function askOnce(): Promise<number> {
  const startMs = performance.now();
  let [whole, got, firstMs] = [-1, 0, 0];
  await connect({
    open: (socket) => void socket.write(request("/small", "Connection: close\r\n")),
    data(socket, bytes) {
      if (whole === -1) [whole, firstMs] = [lengthOf(bytes), performance.now() - startMs];
      got += bytes.length;
      if (got >= whole) socket.end();
    },
  });
  if (got !== whole) throw new Error("a connection that ended before its answer");
  return firstMs;
}

/** Connections a second, eight at a time. */
async function connections(): Promise<object> {
  const startMs = performance.now();
  let [done, failed] = [0, 0];
  const count = async (): Promise<void> => {
    while (performance.now() - startMs < SPAN_MS) {
      const isDone = await askOnce().then(
        () => true,
        () => false,
      );
      if (isDone) done++;
      else failed++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, count));
  return { perSecond: (done * 1000) / (performance.now() - startMs), failed };
}

/** Bytes a second of large bodies, one after the other. */
async function bodies(): Promise<object> {
  const rates: number[] = [];
  for (let turn = 0; turn < 8; turn++) {
    const startMs = performance.now();
    let [whole, got] = [-1, 0];
    await connect({
      open: (socket) => void socket.write(request("/large", "Connection: close\r\n")),
      data(socket, bytes) {
        if (whole === -1) whole = lengthOf(bytes);
        got += bytes.length;
        if (got >= whole) socket.end();
      },
    });
    rates.push((got * 1000) / (performance.now() - startMs));
  }
  return { perSecond: percentile(rates, 0.5) };
}

/** How long each token takes from its sending on, of 16 streams; all on one machine, by one clock. */
async function tokens(isInStep: boolean): Promise<object> {
  const delays: number[] = [];
  const listen = (): Promise<void> => {
    let rest = "";
    return connect({
      open: (socket) => void socket.write(request(`/stream?tokens=${TOKENS}${isInStep ? "&step" : ""}`, "Connection: close\r\n")),
      data(_, bytes) {
        const nowMs = performance.timeOrigin + performance.now();
        const lines = (rest + bytes.toString("latin1")).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line.startsWith("data: ")) delays.push(nowMs - Number(line.slice("data: ".length)));
      },
    });
  };
  await Promise.all(Array.from({ length: STREAMS }, listen));
  return { count: delays.length, p50Ms: percentile(delays, 0.5), p99Ms: percentile(delays, 0.99) };
}

/** Many connections in one moment. */
async function burst(): Promise<object> {
  const results = await Promise.allSettled(Array.from({ length: BURST }, askOnce));
  const took = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  return { failed: BURST - took.length, slowestMs: Math.max(...took) };
}

/** A thousand streams, open until the input ends. */
async function hold(): Promise<object> {
  let open = 0;
  let failed = 0;
  for (let index = 0; index < HELD; index++) {
    let isOpen = false;
    const data = (): void => {
      if (!isOpen) open++;
      isOpen = true;
    };
    connect({ open: (socket) => void socket.write(request("/stream?tokens=1000000")), data }).catch(() => failed++);
    if (index % 50 === 49) await Bun.sleep(10);
  }
  while (open + failed < HELD) await Bun.sleep(10);
  process.stdout.write("held\n");
  await Bun.stdin.text();
  return { open, failed };
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const kinds: Record<string, () => Promise<object>> = {
  "keep-alive": keepAlive,
  connections,
  bodies,
  "tokens-in-step": () => tokens(true),
  tokens: () => tokens(false),
  burst,
  hold,
};
const run = kinds[kind];
if (run === undefined) throw new Error(`no such load: ${kind}`);
process.stdout.write(`${JSON.stringify(await run())}\n`);
process.exit();
