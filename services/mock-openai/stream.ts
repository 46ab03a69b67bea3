/** Server-sent events, one token at a time. */

/** Each chunk as an event, `[DONE]` at the end. */
export function streamChunks(chunks: Iterable<unknown>, delayMs: number, request: Request): Response {
  function* write(): Generator<string> {
    for (const chunk of chunks) yield `data: ${JSON.stringify(chunk)}\n\n`;
    yield "data: [DONE]\n\n";
  }
  return streamTexts(write(), delayMs, request);
}

/** Each event under the name of its type, as the newer interfaces have it. */
export function streamEvents(events: Iterable<{ type: string }>, delayMs: number, request: Request): Response {
  function* write(): Generator<string> {
    for (const event of events) yield `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
  }
  return streamTexts(write(), delayMs, request);
}

/** A client that goes away ends it. */
function streamTexts(texts: Iterator<string>, delayMs: number, request: Request): Response {
  const encoder = new TextEncoder();
  let isFirst = true;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!isFirst && delayMs > 0) await pause(delayMs);
      isFirst = false;
      if (request.signal.aborted) return controller.close();
      const next = texts.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    cancel() {
      texts.return?.();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" } });
}

/** Keeps no process alive that is told to end: the open connection does that for as long as it may. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
