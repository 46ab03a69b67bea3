/**
 * The answer to one GET, out of the pieces that come over a plain socket: its status and, where it is wanted, its
 * body, of which no more is kept than a look at it needs. Pieces are latin1, a character a byte. Nearly every
 * answer is read for its status alone: no regular expression is compiled for that.
 */

const HEAD_LIMIT = 64 * 1024;
const BODY_LIMIT = 1024 * 1024;
const CHUNK_LINE_LIMIT = 1024;
const SPACE = 0x20;

export class HttpAnswer {
  /** Of the final answer: 103 Early Hints and the like go before it. */
  status: number | undefined;
  /** `whole` also once enough of an endless body has come; `broken` where it is no HTTP. */
  state: "head" | "body" | "whole" | "broken" = "head";
  /** Come, and not yet understood. */
  #rest = "";
  #body = "";
  #framing: "chunked" | "length" | "until-close" = "until-close";
  /** Bytes of the body, or of its current chunk, that are still to come. */
  #left = 0;
  readonly #wantsBody: boolean;

  constructor(options: { wantsBody: boolean }) {
    this.#wantsBody = options.wantsBody;
  }

  hear(piece: string): void {
    this.#rest += piece;
    while (this.#readOn());
  }

  /** The other side has closed: where nothing else tells a body's end, that does. */
  close(): void {
    if (this.state === "body" && this.#framing === "until-close") this.state = "whole";
  }

  get body(): string {
    return Buffer.from(this.#body, "latin1").toString("utf8");
  }

  /** Whether it got any further. */
  #readOn(): boolean {
    if (this.state === "head") return this.#readHead();
    if (this.state !== "body") return false;
    return this.#framing === "chunked" && this.#left === 0 ? this.#readChunkLine() : this.#readBytes();
  }

  #readHead(): boolean {
    const [end, length] = findHeadEnd(this.#rest);
    if (!"HTTP/1.".startsWith(this.#rest.slice(0, 7)) || (end === -1 && this.#rest.length > HEAD_LIMIT)) return this.#become("broken");
    if (end === -1) return false;
    const head = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + length);
    const status = readStatus(head);
    if (status === undefined) return this.#become("broken");
    if (status < 200 && status !== 101) return true;
    this.status = status;
    return this.#wantsBody ? this.#startBody(head) : this.#become("whole");
  }

  #startBody(head: string): boolean {
    const length = /^content-length:[ \t]*(\d+)/im.exec(head)?.[1];
    if (/^transfer-encoding:.*\bchunked\b/im.test(head)) this.#framing = "chunked";
    else if (length !== undefined) this.#framing = "length";
    this.#left = this.#framing === "length" ? Number(length) : this.#framing === "chunked" ? 0 : BODY_LIMIT;
    const isEmpty = this.status === 204 || this.status === 304 || (this.#framing === "length" && this.#left === 0);
    return this.#become(isEmpty ? "whole" : "body");
  }

  /** Its length, after the line end of the chunk before. */
  #readChunkLine(): boolean {
    const line = /^(?:\r?\n)?([^\r\n]+)\r?\n/.exec(this.#rest);
    if (line === null) return this.#rest.length > CHUNK_LINE_LIMIT && this.#become("broken");
    const size = /^[0-9a-f]{1,8}(?=$|[; \t])/i.exec(line[1] ?? "")?.[0];
    if (size === undefined) return this.#become("broken");
    this.#rest = this.#rest.slice(line[0].length);
    this.#left = Number.parseInt(size, 16);
    return this.#left > 0 || this.#become("whole");
  }

  #readBytes(): boolean {
    if (this.#rest === "") return false;
    const piece = this.#rest.slice(0, this.#left);
    this.#rest = this.#rest.slice(piece.length);
    this.#left -= piece.length;
    this.#body = (this.#body + piece).slice(0, BODY_LIMIT);
    const isEnd = this.#framing !== "chunked" && this.#left === 0;
    return isEnd || this.#body.length === BODY_LIMIT ? this.#become("whole") : true;
  }

  #become(state: "body" | "whole" | "broken"): boolean {
    this.state = state;
    return true;
  }
}

/** Where the empty line is, and how long; some servers leave out the carriage returns. */
function findHeadEnd(text: string): [at: number, length: number] {
  const at = text.indexOf("\r\n\r\n");
  return at === -1 ? [text.indexOf("\n\n"), 2] : [at, 4];
}

/** Of `HTTP/1.1 200 OK`. */
function readStatus(head: string): number | undefined {
  const after = head.charCodeAt(12);
  const isWord = head[8] === " " && (Number.isNaN(after) || after <= SPACE);
  const status = Number(head.slice(9, 12));
  return isWord && status >= 100 ? status : undefined;
}
