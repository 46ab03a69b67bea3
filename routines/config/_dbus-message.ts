/**
 * Messages of D-Bus: a call with a dictionary of texts → bytes, and bytes → replies. No more of it than one question takes.
 * https://dbus.freedesktop.org/doc/dbus-specification.html#message-protocol-messages
 */
import { HarborError } from "../_script/error.ts";

export interface Call {
  /** Not zero; its reply has it. */
  serial: number;
  destination: string;
  path: string;
  interface: string;
  member: string;
  /** Its one argument, an `a{ss}`; none where left out. */
  dictionary?: Readonly<Record<string, string>>;
}

export interface Reply {
  /** Of the call that it answers; 0 for what answers none. */
  serial: number;
  /** The name of an error; undefined for an answer. */
  error: string | undefined;
  /** Of its body a number of 32 bits, by its place. */
  uint32: (at: number) => number;
}

const METHOD_CALL = 1;
const NO_AUTO_START = 2;
const FIELD = { path: 1, interface: 2, member: 3, error: 4, replySerial: 5, destination: 6, signature: 8 };
/** What stands before the header's fields. */
const FIXED = 12;
/** The largest that the protocol allows. */
const LARGEST = 128 * 1024 * 1024;

/** Nobody is started for it. Little-endian. */
export function encodeCall(call: Call): Uint8Array {
  const body = new Writer();
  if (call.dictionary !== undefined) {
    const { dictionary } = call;
    body.array(() => {
      for (const [key, value] of Object.entries(dictionary)) body.align(8).text(key).text(value);
    });
  }
  const message = new Writer();
  for (const byte of [0x6c, METHOD_CALL, NO_AUTO_START, 1]) message.byte(byte);
  message.uint32(body.length).uint32(call.serial);
  message.array(() => {
    for (const name of ["path", "interface", "member", "destination"] as const) {
      message
        .align(8)
        .byte(FIELD[name])
        .signature(name === "path" ? "o" : "s")
        .text(call[name]);
    }
    if (call.dictionary !== undefined) message.align(8).byte(FIELD.signature).signature("g").signature("a{ss}");
  });
  return Buffer.concat([message.align(8).bytes(), body.bytes()]);
}

/** The first whole message in it, and how long that is; undefined where none is whole yet. Throws for what is none. */
export function decodeReply(bytes: Uint8Array): { reply: Reply; length: number } | undefined {
  if (bytes.length < FIXED + 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = bytes[0] === 0x6c;
  const fieldsEnd = FIXED + 4 + view.getUint32(FIXED, isLittle);
  const bodyAt = aligned(fieldsEnd, 8);
  const length = bodyAt + view.getUint32(4, isLittle);
  if ((!isLittle && bytes[0] !== 0x42) || length > LARGEST) throw new HarborError("Cannot read the session bus: it speaks no D-Bus");
  if (bytes.length < length) return undefined;
  const fields = new Map(readFields(view, fieldsEnd, isLittle));
  const serial = Number(fields.get(FIELD.replySerial) ?? 0);
  const error = fields.get(FIELD.error);
  const uint32 = (at: number): number => (bodyAt + at + 4 <= length ? view.getUint32(bodyAt + at, isLittle) : 0);
  return { reply: { serial, error: error === undefined ? undefined : String(error), uint32 }, length };
}

/** Code → value, of the types that a header has. */
function* readFields(view: DataView, end: number, isLittle: boolean): Generator<[number, string | number]> {
  const text = (at: number, length: number): string => new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at, length));
  for (let at = FIXED + 4; at < end; at = aligned(at, 8)) {
    const code = view.getUint8(at);
    const type = text(at + 2, 1);
    const valueAt = type === "g" ? at + 4 : aligned(at + 4, 4);
    const number = type === "g" ? view.getUint8(valueAt) : view.getUint32(valueAt, isLittle);
    const size = type === "g" ? 1 : 4;
    yield [code, type === "u" ? number : text(valueAt + size, number)];
    at = valueAt + size + (type === "u" ? 0 : number + 1);
  }
}

function aligned(at: number, to: number): number {
  return Math.ceil(at / to) * to;
}

class Writer {
  readonly #bytes: number[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#bytes);
  }

  byte(value: number): this {
    this.#bytes.push(value);
    return this;
  }

  align(to: number): this {
    while (this.length % to !== 0) this.byte(0);
    return this;
  }

  uint32(value: number): this {
    this.align(4).#bytes.push(...uint32Bytes(value));
    return this;
  }

  text(value: string): this {
    const bytes = new TextEncoder().encode(value);
    this.uint32(bytes.length).#bytes.push(...bytes, 0);
    return this;
  }

  signature(value: string): this {
    this.byte(value.length).#bytes.push(...new TextEncoder().encode(value), 0);
    return this;
  }

  /** Of elements that begin at a multiple of eight; its length counts from the first. */
  array(writeElements: () => void): void {
    const lengthAt = this.uint32(0).length - 4;
    const start = this.align(8).length;
    writeElements();
    this.#bytes.splice(lengthAt, 4, ...uint32Bytes(this.length - start));
  }
}

function uint32Bytes(value: number): number[] {
  return [0, 8, 16, 24].map((bits) => (value >>> bits) & 0xff);
}
