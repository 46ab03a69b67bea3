/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): streams that stay open. A quiet one gets a
 * comment now and then, so that nobody between takes it for dead, and so that a reader that is gone is noticed.
 */
import type { Encoding, Sink } from "../core/event-hub.ts";
import type { StoredEvent } from "../store/store.ts";
import { explainEnd, isoTime } from "./answers.ts";
import { type Call, holderOf } from "./call.ts";

export interface EventStream extends Sink {
  /** Aborted when the reader has gone, or the stream was closed. */
  readonly signal: AbortSignal;
  /** One event that is made for this reader alone. */
  send(event: string, data: unknown, id?: string): void;
}

const KEEP_ALIVE_MS = 15_000;
const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  // said to nginx, which would collect them otherwise
  "x-accel-buffering": "no",
};
const encoder = new TextEncoder();
const KEEP_ALIVE = encoder.encode(": keep-alive\n\n");

/** All that are open, one timer for them together. */
const open = new Set<Sink>();
let timer: Timer | undefined;

/**
 * Answers with a stream; `begin` writes to it, now and later. It ends with the instance of the component whose it is. Throws `rate_limited`
 * where too many are open.
 */
export function streamEvents(call: Call, begin: (stream: EventStream) => void | Promise<void>, owner = holderOf(call)): Response {
  call.hold();
  const end = new AbortController();
  let isOpen = true;
  let stream: EventStream;
  const release = call.conductor.held.hold(owner, (reason) => {
    if (reason !== undefined) stream.send("conductor-replaced", { component_id: owner?.id, reason });
    close();
  });
  const finish = (): void => {
    if (!isOpen) return;
    isOpen = false;
    release();
    forget(stream);
    call.conductor.signal.removeEventListener("abort", close);
    end.abort();
  };
  let close = (): void => {};
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        close = () => {
          if (!isOpen) return;
          finish();
          controller.close();
        };
        stream = {
          signal: end.signal,
          waiting: () => -(controller.desiredSize ?? 0),
          write: (chunk) => isOpen && controller.enqueue(chunk),
          send: (event, data, id) => stream.write(encodeEvent(event, data, id)),
          close: () => close(),
        };
        remember(stream);
        call.conductor.signal.addEventListener("abort", close);
        // a first line at once: some clients show nothing until they have one
        stream.write(encoder.encode(": connected\n\n"));
        void Promise.resolve(begin(stream)).catch((error: unknown) => {
          stream.send("conductor-error", explainEnd(error, call.conductor.complain));
          close();
        });
      },
      cancel: () => finish(),
    },
    { highWaterMark: 0, size: (chunk) => chunk?.byteLength ?? 0 },
  );
  return new Response(body, { headers: HEADERS });
}

/** How the hub's events look on the wire. */
export const eventEncoding: Encoding = {
  event: (event) => encodeEvent(event.type, describeEvent(event), event.id),
  notice: (kind, data) => encodeEvent(`conductor-${kind}`, data),
};

/** An event as all routes show it. */
export function describeEvent({ id, type, source, time, data }: StoredEvent): object {
  return { event_id: id, event_type: type, source, timestamp: isoTime(time), data };
}

function encodeEvent(event: string, data: unknown, id?: string): Uint8Array {
  return encoder.encode(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}

function remember(stream: Sink): void {
  open.add(stream);
  timer ??= setInterval(() => {
    // one that has something to read is not quiet
    for (const each of open) if (each.waiting() <= 0) each.write(KEEP_ALIVE);
  }, KEEP_ALIVE_MS);
}

function forget(stream: Sink): void {
  open.delete(stream);
  if (open.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
