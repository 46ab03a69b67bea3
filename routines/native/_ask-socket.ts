/**
 * One short exchange over TCP. Not by `fetch`, which asks the proxy of HTTP_PROXY even for 127.0.0.1 and keeps
 * connections; nor by node:net, which takes 10 MB more than bun's own sockets, and whoever watches fifty services has to stay small.
 */
import { type AttemptOptions, failed, OK, type Verdict } from "./_verdict.ts";

export interface Exchange {
  address: string;
  port: number;
  /** How the exchange is named in a failure. */
  what: string;
  /** Without it the connection itself is the answer. */
  question?: Question;
}

export interface Question {
  /** Sent once connected. */
  text: string;
  /** Hears each piece of the answer, a character a byte; gives the verdict once there is one. */
  hear: (piece: string) => Verdict | undefined;
  /** The other side has closed before there was a verdict. */
  close: () => Verdict;
}

/** Who would still send the rest of its answer has this long: one that is cut off in the middle of it writes an error to its log. */
const LINGER = { ms: 100, bytes: 256 * 1024 };

/** Always settles within the timeout, and closes what it opened. */
export function askSocket(exchange: Exchange, options: AttemptOptions): Promise<Verdict> {
  const attempt = new Attempt(exchange);
  const { timeoutMs, signal } = options;
  const timer = setTimeout(() => attempt.giveUp(`did not answer within ${Math.ceil(timeoutMs)} ms`), timeoutMs);
  const abort = (): void => attempt.giveUp("interrupted", ": ");
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  else attempt.start();
  return attempt.verdict.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  });
}

type AttemptSocket = Bun.Socket<Attempt>;

/** One for all attempts: a set of closures for each would be garbage ten times a second. */
const HANDLER: Bun.SocketHandler<Attempt> = {
  open: (socket) => socket.data.opened(socket),
  data: (socket, piece) => socket.data.hear(socket, piece.toString("latin1")),
  close: (socket) => socket.data.ended(),
  error: (socket) => socket.data.ended(),
};

class Attempt {
  readonly verdict: Promise<Verdict>;
  readonly #exchange: Exchange;
  readonly #settle: (verdict: Verdict) => void;
  #socket: AttemptSocket | undefined;
  #isSettled = false;
  #extraBytes = 0;
  #linger: ReturnType<typeof setTimeout> | undefined;

  constructor(exchange: Exchange) {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.verdict = promise;
    this.#settle = resolve;
    this.#exchange = exchange;
  }

  start(): void {
    const { address: hostname, port } = this.#exchange;
    Bun.connect({ hostname, port, socket: HANDLER, data: this }).catch((error: NodeJS.ErrnoException) =>
      this.giveUp(error.code === "ECONNREFUSED" ? "nothing listens yet" : `cannot connect (${error.code ?? error.message})`, ": "),
    );
  }

  /** Fails; `joint` stands between the exchange's name and what was seen. */
  giveUp(state: string, joint = " "): void {
    this.#decide(failed(`${this.#exchange.what}${joint}${state}`));
    this.#socket?.end();
  }

  opened(socket: AttemptSocket): void {
    this.#socket = socket;
    const { question } = this.#exchange;
    if (question !== undefined && !this.#isSettled) {
      socket.write(question.text);
      return;
    }
    this.#decide(OK);
    socket.end();
  }

  hear(socket: AttemptSocket, piece: string): void {
    if (this.#isSettled) {
      this.#extraBytes += piece.length;
      if (this.#extraBytes > LINGER.bytes) socket.end();
      return;
    }
    const verdict = this.#exchange.question?.hear(piece);
    if (verdict === undefined) return;
    this.#decide(verdict);
    socket.unref();
    this.#linger = setTimeout(() => socket.end(), LINGER.ms);
    this.#linger.unref();
  }

  ended(): void {
    clearTimeout(this.#linger);
    this.#decide(this.#exchange.question?.close() ?? OK);
  }

  #decide(verdict: Verdict): void {
    this.#isSettled = true;
    this.#settle(verdict);
  }
}
