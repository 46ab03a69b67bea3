/**
 * One kept connection to an HTTP server, as bare as a load generator needs it: on two cores a full client would take
 * most of what is measured.
 */
import type { Socket } from "bun";

const HEAD_END = Buffer.from("\r\n\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");
/** Of an answer in chunks the length is not known before its end. */
const CHUNKED = Number.POSITIVE_INFINITY;

export interface Asked {
  method?: string;
  path: string;
  token?: string;
  body?: string | Buffer;
}

/** What goes over the wire: made once where the same is asked again and again. */
export function encodeRequest({ method = "GET", path, token, body }: Asked): Buffer {
  const length = body === undefined ? "" : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n`;
  const access = token === undefined ? "" : `Authorization: Bearer ${token}\r\n`;
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${access}${length}\r\n`, "latin1");
  return body === undefined ? head : Buffer.concat([head, typeof body === "string" ? Buffer.from(body) : body]);
}

export class Connection {
  #socket: Socket | undefined;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Of the whole answer, once its head is there; 0 before. */
  #expected = 0;
  #bodyAt = 0;
  #status = 0;
  #unwritten: Buffer | undefined;
  #answer: PromiseWithResolvers<Buffer> | undefined;

  /** Rejects where nobody listens. */
  static async open(port: number): Promise<Connection> {
    const connection = new Connection();
    connection.#socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, bytes) => connection.#take(bytes),
        drain: () => connection.#write(),
        close: () => connection.#answer?.reject(new Error("the connection ended before its answer")),
        error: (_, error) => connection.#answer?.reject(error),
      },
    });
    return connection;
  }

  /** One at a time. The body of the answer, as it came where it came in chunks; rejects for a status of 400 and more. */
  ask(request: Buffer): Promise<Buffer> {
    this.#answer = Promise.withResolvers();
    this.#unwritten = request;
    this.#write();
    return this.#answer.promise;
  }

  close(): void {
    this.#answer = undefined;
    this.#socket?.end();
  }

  #write(): void {
    if (this.#unwritten === undefined) return;
    const written = this.#socket?.write(this.#unwritten) ?? 0;
    this.#unwritten = written < this.#unwritten.length ? this.#unwritten.subarray(written) : undefined;
  }

  #take(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
    if (this.#expected === 0) this.#readHead();
    if (this.#expected === CHUNKED && this.#isLast(bytes)) this.#expected = this.#size;
    if (this.#expected === 0 || this.#size < this.#expected) return;
    const [only = Buffer.alloc(0)] = this.#chunks;
    const whole = this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks);
    const body = whole.subarray(this.#bodyAt, this.#expected);
    this.#chunks = [];
    this.#size = 0;
    this.#expected = 0;
    const answer = this.#answer;
    if (this.#status < 400) answer?.resolve(body);
    else answer?.reject(new Error(`answered with ${this.#status}: ${body.toString("utf8", 0, 300)}`));
  }

  /** Asked with what came last: here, chunks come whole. */
  #isLast(bytes: Buffer): boolean {
    return bytes.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK);
  }

  #readHead(): void {
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) return;
    const head = bytes.toString("latin1", 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    this.#status = Number(head.slice(9, 12));
    this.#bodyAt = end + HEAD_END.length;
    this.#expected = length === undefined ? CHUNKED : this.#bodyAt + Number(length);
  }
}
