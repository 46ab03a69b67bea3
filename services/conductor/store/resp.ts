/** Redis's wire protocol (RESP3), as far as a listener needs it: bytes in, values out. https://github.com/redis/redis-specifications */

export type Reply = string | number | null | boolean | RespError | Push | Reply[];

/** What Redis answers instead of an error being thrown. */
export class RespError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Said without being asked. */
export class Push {
  readonly parts: Reply[];

  constructor(parts: Reply[]) {
    this.parts = parts;
  }
}

/** ["PING"] → "*1\r\n$4\r\nPING\r\n" */
export function encodeCommand(parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join("")}`;
}

/** Takes bytes as they come, in pieces of any size. */
export class RespReader {
  #bytes = Buffer.alloc(0);
  #at = 0;

  /** The replies that are whole by now. */
  feed(chunk: Uint8Array): Reply[] {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    const replies: Reply[] = [];
    for (let end = 0; ; end = this.#at) {
      const reply = this.#read();
      if (reply === undefined) {
        this.#bytes = this.#bytes.subarray(end);
        this.#at = 0;
        return replies;
      }
      replies.push(reply);
    }
  }

  /** Undefined where the rest has not come yet. Throws on what is no RESP. */
  #read(): Reply | undefined {
    const end = this.#bytes.indexOf("\r\n", this.#at);
    if (end < 0) return undefined;
    const line = this.#bytes.toString("utf8", this.#at + 1, end);
    const kind = String.fromCharCode(this.#bytes[this.#at] as number);
    this.#at = end + 2;
    switch (kind) {
      case "+":
      case "(":
        return line;
      case "-":
        return new RespError(line);
      case ":":
      case ",":
        return Number(line);
      case "#":
        return line === "t";
      case "_":
        return null;
      case "$":
      case "=":
        return this.#readText(Number(line));
      case "*":
      case "~":
        return Number(line) < 0 ? null : this.#readMany(Number(line));
      case "%":
        return this.#readMany(2 * Number(line));
      case ">": {
        const parts = this.#readMany(Number(line));
        return parts && new Push(parts);
      }
      default:
        throw new Error(`not an answer of Redis: ${JSON.stringify(kind + line)}`);
    }
  }

  #readText(length: number): string | null | undefined {
    if (length < 0) return null;
    const end = this.#at + length;
    if (this.#bytes.length < end + 2) return undefined;
    const text = this.#bytes.toString("utf8", this.#at, end);
    this.#at = end + 2;
    return text;
  }

  #readMany(count: number): Reply[] | undefined {
    const replies: Reply[] = [];
    for (let i = 0; i < count; i++) {
      const reply = this.#read();
      if (reply === undefined) return undefined;
      replies.push(reply);
    }
    return replies;
  }
}
