/**
 * One look whether a service answers on loopback. Over a plain socket: `fetch` would ask the proxy of HTTP_PROXY even for
 * 127.0.0.1, and keep connections open.
 */
import { connect } from "node:net";
import type { ReadySpec } from "./_types.ts";

export interface ProbeOptions {
  /** None to ask where it offers none: then it is enough that it runs. */
  port: number | undefined;
  ready: Pick<ReadySpec, "http">;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** Undefined where it answers as it should, else what was seen instead. */
export function probePort(options: ProbeOptions): Promise<string | undefined> {
  const { port, ready, timeoutMs, signal } = options;
  if (port === undefined) return Promise.resolve(undefined);
  const what = ready.http === undefined ? `port ${port}` : `GET http://127.0.0.1:${port}${ready.http}`;
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host: "127.0.0.1", port });
  const timer = setTimeout(() => resolve(`${what} did not answer within ${Math.ceil(timeoutMs)} ms`), timeoutMs);
  const abort = (): void => resolve(`${what}: interrupted`);
  signal?.addEventListener("abort", abort);
  let head = "";
  socket.setEncoding("latin1");
  socket.on("connect", () => {
    if (ready.http === undefined) resolve(undefined);
    else socket.write(`GET ${ready.http} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: */*\r\nConnection: close\r\n\r\n`);
  });
  socket.on("data", (chunk: string) => {
    head += chunk;
    if (head.includes("\n")) resolve(judge(head, what));
  });
  socket.on("error", (error) => resolve(`${what}: ${wordFailure(error)}`));
  socket.on("close", () => resolve(`${what}: the connection was closed without an answer`));
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    socket.destroy();
  });
}

function judge(head: string, what: string): string | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) return `${what} answered, but not in HTTP`;
  return Number(status) < 400 ? undefined : `${what} answered ${status}`;
}

function wordFailure(error: NodeJS.ErrnoException): string {
  return error.code === "ECONNREFUSED" ? "nothing listens yet" : error.message;
}
