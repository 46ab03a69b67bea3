/** Server-sent events, one token at a time. */

/** Each chunk as an event, `[DONE]` at the end; a client that goes away ends it. */
export function streamChunks(chunks: Iterable<unknown>, delayMs: number, request: Request): Response {
  const iterator = chunks[Symbol.iterator]();
  const encoder = new TextEncoder();
  let isFirst = true;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (!isFirst && delayMs > 0) await pause(delayMs);
      isFirst = false;
      if (request.signal.aborted) return controller.close();
      const next = iterator.next();
      controller.enqueue(encoder.encode(`data: ${next.done ? "[DONE]" : JSON.stringify(next.value)}\n\n`));
      if (next.done) controller.close();
    },
    cancel() {
      iterator.return?.();
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
