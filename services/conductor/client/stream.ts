/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), opened again whenever they end. */
import { Backoff } from "./backoff.ts";
import { isPassing } from "./http.ts";

export interface SentEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: unknown;
}

export interface Subscription extends Disposable {
  /** Once the conductor sends. Rejects where it refuses. */
  readonly ready: Promise<void>;
  stop(): void;
}

export interface StreamOptions {
  /** Asks for the stream, from after this event. */
  readonly open: (lastId: string | undefined, signal: AbortSignal) => Promise<Response>;
  readonly onEvent: (event: SentEvent) => void;
  /** Why it ended for good, and what `onEvent` threw. */
  readonly onProblem: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** A living stream has a comment every 15 s. */
const QUIET_MS = 40_000;

/** From now on, through breaks, until it is stopped or the signal. */
export function follow(options: StreamOptions): Subscription {
  const end = new AbortController();
  const signal = AbortSignal.any([options.signal, end.signal]);
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  ready.catch(() => {});
  void run({ ...options, signal }, resolve)
    .catch((error: unknown) => {
      reject(error);
      if (!signal.aborted) options.onProblem(error);
    })
    .finally(() => resolve());
  const stop = (): void => end.abort();
  return { ready, stop, [Symbol.dispose]: stop };
}

async function run({ open, onEvent, onProblem, signal }: StreamOptions, onOpen: () => void): Promise<void> {
  const backoff = new Backoff();
  let lastId: string | undefined;
  while (!signal.aborted) {
    const quiet = new AbortController();
    let timer: Timer | undefined;
    const live = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => quiet.abort(), QUIET_MS);
    };
    try {
      live();
      const response = await open(lastId, AbortSignal.any([signal, quiet.signal]));
      for await (const event of readEvents(response, live)) {
        backoff.reset();
        onOpen();
        lastId = event.id ?? lastId;
        if (event.event !== "") tell(event, onEvent, onProblem);
      }
    } catch (error) {
      // an answer that breaks off is none of these, and passes
      if (isRefused(error) && !signal.aborted && !quiet.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
    await backoff.pause(signal);
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && error.name === "ConductorClientError" && !isPassing(error);
}

function tell(event: SentEvent, onEvent: StreamOptions["onEvent"], onProblem: StreamOptions["onProblem"]): void {
  try {
    onEvent(event);
  } catch (error) {
    onProblem(error);
  }
}

/** Comments come as events without a name. */
async function* readEvents({ body }: Response, onBytes: () => void): AsyncGenerator<SentEvent> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body ?? []) {
    onBytes();
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) yield parse(block);
  }
}

function parse(block: string): SentEvent {
  const fields = new Map<string, string>();
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
  }
  return { id: fields.get("id"), event: fields.get("event") ?? "", data: JSON.parse(fields.get("data") ?? "null") };
}
