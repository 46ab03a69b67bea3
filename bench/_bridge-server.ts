/**
 * The native service of the bridge's benchmark: a small answer, a large one, a stream of tokens that each say when they
 * were sent. Address and port from the environment.
 */
const TOKEN_MS = 10;
/** 401 bytes, as a list of models is. */
const SMALL = JSON.stringify({ object: "list", data: [{ id: "x".repeat(366) }] });
const LARGE = new Uint8Array(64 * 2 ** 20);

/** Streams that all send at one moment, as a server does that computes a token of each request at once. */
const inStep = new Set<() => void>();
setInterval(() => {
  for (const send of [...inStep]) send();
}, TOKEN_MS);

/** Ends after `tokens`, or when nobody listens any more. */
function streamTokens(request: Request, tokens: number, isInStep: boolean): Response {
  const body = new ReadableStream({
    type: "direct",
    async pull(controller) {
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      let left = tokens;
      const send = (): void => {
        controller.write(`data: ${performance.timeOrigin + performance.now()}\n\n`);
        controller.flush();
        if (--left === 0) end();
      };
      request.signal.addEventListener("abort", () => end());
      let timer: Timer | undefined;
      if (isInStep) inStep.add(send);
      else timer = setInterval(send, TOKEN_MS);
      await ended;
      inStep.delete(send);
      clearInterval(timer);
      controller.end();
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

Bun.serve({
  hostname: process.env.ADDRESS ?? "127.0.0.1",
  port: Number(process.env.PORT),
  idleTimeout: 0,
  routes: {
    "/small": () => new Response(SMALL, { headers: { "content-type": "application/json" } }),
    "/large": () => new Response(LARGE),
    "/stream": async (request) => {
      const { searchParams } = new URL(request.url);
      // streams of their own pace are not to fall into step by beginning together
      const isInStep = searchParams.has("step");
      if (!isInStep) await Bun.sleep(Math.random() * TOKEN_MS);
      return streamTokens(request, Number(searchParams.get("tokens")), isInStep);
    },
  },
  fetch: () => new Response("", { status: 404 }),
});
