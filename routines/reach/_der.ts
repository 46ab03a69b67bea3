/** The few shapes of DER that a certificate is made of. Source: ITU-T X.690. */

/** One element: its tag, the length of its content, the content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = Buffer.concat(content);
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag), lengthOf(body.length), body]));
}

export const sequence = (...items: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => der(0x30, ...items);
export const set = (...items: readonly Uint8Array[]): Uint8Array<ArrayBuffer> => der(0x31, ...items);
export const octets = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => der(0x04, bytes);
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => der(0x0c, Buffer.from(text, "utf8"));
export const TRUE = der(0x01, Uint8Array.of(0xff));

/** `unused`: how many of the last byte's lowest bits say nothing. */
export function bits(bytes: Uint8Array, unused = 0): Uint8Array<ArrayBuffer> {
  return der(0x03, Uint8Array.of(unused), bytes);
}

/** Explicitly tagged, or with `isPrimitive` the content of another type under a tag of its own. */
export function tagged(number: number, content: Uint8Array, isPrimitive = false): Uint8Array<ArrayBuffer> {
  return der((isPrimitive ? 0x80 : 0xa0) | number, content);
}

/** A whole number that is not negative, its highest byte first. */
export function integer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  return der(0x02, (digits[0] as number) >= 0x80 ? Buffer.concat([Uint8Array.of(0), digits]) : digits);
}

/** `2.5.4.3` */
export function objectId(dotted: string): Uint8Array<ArrayBuffer> {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(0x06, Uint8Array.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** In seconds of UTC: two digits for the year until 2049, four from then on. */
export function time(date: Date): Uint8Array<ArrayBuffer> {
  const digits = `${date.toISOString().replace(/\D/g, "").slice(0, 14)}Z`;
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2), "ascii")) : der(0x18, Buffer.from(digits, "ascii"));
}

function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from([0x80 | bytes.length, ...bytes]);
}

function base128(number: number): number[] {
  const groups = [number % 128];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) groups.unshift(0x80 | (rest % 128));
  return groups;
}
