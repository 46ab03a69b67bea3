/**
 * A text → a QR code, and that as lines for a terminal. Rule: ISO/IEC 18004, of which a URL needs little: bytes, error
 * correction M, versions 1 to 9.
 */
import { HarborError } from "./error.ts";

/** Rows of modules, true where dark. */
export type QrCode = readonly (readonly boolean[])[];

/** Error correction codewords of each block, and how many blocks, for level M by version. */
const ECC_LENGTH = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5];
/** Codewords of both kinds. */
const TOTAL = [0, 26, 44, 70, 100, 134, 172, 196, 242, 292];
/** Where the centres of alignment patterns lie, in either direction. */
const ALIGNMENT: readonly (readonly number[])[] = [
  [],
  [],
  [6, 18],
  [6, 22],
  [6, 26],
  [6, 30],
  [6, 34],
  [6, 22, 38],
  [6, 24, 42],
  [6, 26, 46],
];
const LARGEST = 9;

/** Of ASCII, as URLs are: readers disagree about all else. Throws `failed` for more than 180 bytes. */
export function encodeQrCode(text: string): QrCode {
  const bytes = new TextEncoder().encode(text);
  const version = chooseVersion(bytes.length);
  const codewords = interleave(dataCodewords(bytes, version), version);
  const drawn = MASKS.map((_, mask) => new Drawing(version).draw(codewords, mask));
  return drawn.reduce((best, next) => (penaltyOf(next) < penaltyOf(best) ? next : best));
}

function dataLength(version: number): number {
  return (TOTAL[version] ?? 0) - (ECC_LENGTH[version] ?? 0) * (BLOCKS[version] ?? 0);
}

/** Two bytes go to the mode, the count and the end. */
function chooseVersion(length: number): number {
  for (let version = 1; version <= LARGEST; version++) if (length + 2 <= dataLength(version)) return version;
  throw new HarborError(`Cannot make a QR code: ${length} bytes are more than the ${dataLength(LARGEST) - 2} that fit`);
}

/** Mode, count, bytes, end, then the two pad bytes in turn. */
function dataCodewords(bytes: Uint8Array, version: number): number[] {
  const nibbles = [0b0100, bytes.length >> 4, bytes.length & 15, ...[...bytes].flatMap((byte) => [byte >> 4, byte & 15]), 0];
  const words: number[] = [];
  for (let at = 0; at < nibbles.length; at += 2) words.push(((nibbles[at] ?? 0) << 4) | (nibbles[at + 1] ?? 0));
  for (let pad = 0xec; words.length < dataLength(version); pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

/** Data in blocks, each with its error correction, written out column by column; the first blocks may be one shorter. */
function interleave(data: readonly number[], version: number): number[] {
  const count = BLOCKS[version] ?? 1;
  const eccLength = ECC_LENGTH[version] ?? 0;
  const short = Math.floor(data.length / count);
  const shorter = count - (data.length % count);
  const divisor = generatorOf(eccLength);
  const blocks: number[][] = [];
  for (let at = 0, index = 0; index < count; index++) {
    const length = short + (index < shorter ? 0 : 1);
    blocks.push(data.slice(at, at + length));
    at += length;
  }
  const corrections = blocks.map((block) => remainderOf(block, divisor));
  const column = (lists: readonly number[][], at: number): number[] => lists.flatMap((list) => list[at] ?? []);
  const columns = (lists: readonly number[][], length: number): number[] => Array.from({ length }, (_, at) => column(lists, at)).flat();
  return [...columns(blocks, short + 1), ...columns(corrections, eccLength)];
}

/** In the field of 256 elements with the polynomial 0x11d. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}

/** The product of (x - 2^0) … (x - 2^(degree-1)), without its leading 1. */
function generatorOf(degree: number): number[] {
  const coefficients = [...Array<number>(degree - 1).fill(0), 1];
  for (let root = 1, step = 0; step < degree; step++, root = multiply(root, 2)) {
    for (let at = 0; at < degree; at++) {
      coefficients[at] = multiply(coefficients[at] ?? 0, root) ^ (at + 1 < degree ? (coefficients[at + 1] ?? 0) : 0);
    }
  }
  return coefficients;
}

function remainderOf(data: readonly number[], divisor: readonly number[]): number[] {
  const remainder = divisor.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ (remainder.shift() ?? 0);
    remainder.push(0);
    for (const [at, coefficient] of divisor.entries()) remainder[at] = (remainder[at] ?? 0) ^ multiply(coefficient, factor);
  }
  return remainder;
}

/** Which modules a mask turns over. */
const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** The square of one code: what every code has is drawn first, and stays. */
class Drawing {
  readonly #size: number;
  readonly #rows: boolean[][];
  readonly #isFixed: boolean[][];

  constructor(private readonly version: number) {
    this.#size = version * 4 + 17;
    const empty = (): boolean[][] => Array.from({ length: this.#size }, () => Array<boolean>(this.#size).fill(false));
    this.#rows = empty();
    this.#isFixed = empty();
  }

  draw(codewords: readonly number[], mask: number): QrCode {
    this.#drawTiming();
    for (const [x, y] of [
      [3, 3],
      [this.#size - 4, 3],
      [3, this.#size - 4],
    ] as const)
      this.#drawSquares(x, y, 4);
    this.#drawAlignment();
    this.#drawFormat(mask);
    this.#drawVersion();
    this.#drawData(codewords, MASKS[mask] ?? (() => false));
    return this.#rows;
  }

  #fix(x: number, y: number, isDark: boolean): void {
    const row = this.#rows[y];
    const fixed = this.#isFixed[y];
    if (row === undefined || fixed === undefined || x < 0 || x >= this.#size) return;
    row[x] = isDark;
    fixed[x] = true;
  }

  #drawTiming(): void {
    for (let at = 0; at < this.#size; at++) {
      this.#fix(6, at, at % 2 === 0);
      this.#fix(at, 6, at % 2 === 0);
    }
  }

  /** Rings about a centre, the one at distance 2 light, as the outermost of a finder is. */
  #drawSquares(centreX: number, centreY: number, radius: number): void {
    for (let y = -radius; y <= radius; y++) {
      for (let x = -radius; x <= radius; x++) {
        const distance = Math.max(Math.abs(x), Math.abs(y));
        this.#fix(centreX + x, centreY + y, radius === 2 ? distance !== 1 : distance !== 2 && distance !== 4);
      }
    }
  }

  /** Everywhere but in the corners that the finders have. */
  #drawAlignment(): void {
    const places = ALIGNMENT[this.version] ?? [];
    const last = this.#size - 7;
    for (const x of places) {
      for (const y of places) {
        const isFinder = (x === 6 && (y === 6 || y === last)) || (x === last && y === 6);
        if (!isFinder) this.#drawSquares(x, y, 2);
      }
    }
  }

  /** Level M and the mask, 15 bits, twice. */
  #drawFormat(mask: number): void {
    const bits = ((mask << 10) | bchOf(mask, 0x537, 10)) ^ 0x5412;
    const isDark = (bit: number): boolean => ((bits >> bit) & 1) === 1;
    for (let bit = 0; bit < 15; bit++) {
      const along = bit < 6 ? bit : bit < 8 ? bit + 1 : this.#size - 15 + bit;
      this.#fix(8, along, isDark(bit));
      const across = bit < 8 ? this.#size - 1 - bit : bit === 8 ? 7 : 14 - bit;
      this.#fix(across, 8, isDark(bit));
    }
    this.#fix(8, this.#size - 8, true);
  }

  /** From version 7 on, 18 bits, twice. */
  #drawVersion(): void {
    if (this.version < 7) return;
    const bits = (this.version << 12) | bchOf(this.version, 0x1f25, 12);
    for (let bit = 0; bit < 18; bit++) {
      const far = this.#size - 11 + (bit % 3);
      const near = Math.floor(bit / 3);
      this.#fix(far, near, ((bits >> bit) & 1) === 1);
      this.#fix(near, far, ((bits >> bit) & 1) === 1);
    }
  }

  #drawData(codewords: readonly number[], isTurned: (x: number, y: number) => boolean): void {
    let bit = 0;
    for (const { x, y } of this.#freePlaces()) {
      const isSet = (((codewords[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
      bit++;
      (this.#rows[y] as boolean[])[x] = isSet !== isTurned(x, y);
    }
  }

  /** In columns of two from the right, up and down in turn; the column of the timing pattern is left out. */
  *#freePlaces(): Generator<{ x: number; y: number }> {
    const rights = Array.from({ length: (this.#size - 1) / 2 }, (_, pair) => this.#size - 1 - 2 * pair);
    for (const right of rights.map((it) => (it <= 6 ? it - 1 : it))) {
      for (let step = 0; step < this.#size; step++) {
        const y = ((right + 1) & 2) === 0 ? this.#size - 1 - step : step;
        for (const x of [right, right - 1]) if (!this.#isFixed[y]?.[x]) yield { x, y };
      }
    }
  }
}

/** The remainder of a BCH code. */
function bchOf(value: number, polynomial: number, degree: number): number {
  let remainder = value;
  for (let step = 0; step < degree; step++) remainder = (remainder << 1) ^ ((remainder >> (degree - 1)) * polynomial);
  return remainder;
}

/** What makes a code hard to read, by the rules of the standard: the mask with the least is taken. */
function penaltyOf(code: QrCode): number {
  const columns = code.map((_, x) => code.map((row) => row[x] === true));
  const lines = [...code, ...columns].map((line) => line.map((isDark) => (isDark ? "1" : "0")).join(""));
  const runs = lines.flatMap((line) => line.match(/0{5,}|1{5,}/g) ?? []).reduce((sum, run) => sum + run.length - 2, 0);
  const finders = lines.reduce((sum, line) => sum + (line.match(/(?=10111010000|00001011101)/g)?.length ?? 0), 0);
  let squares = 0;
  for (let y = 1; y < code.length; y++) {
    for (let x = 1; x < code.length; x++) {
      const four = [code[y]?.[x], code[y]?.[x - 1], code[y - 1]?.[x], code[y - 1]?.[x - 1]];
      if (four.every((it) => it === four[0])) squares++;
    }
  }
  const dark = code.flat().filter(Boolean).length / code.length ** 2;
  return runs + squares * 3 + finders * 40 + Math.floor(Math.abs(dark * 20 - 10)) * 10;
}

/** The light margin that a reader needs. */
const MARGIN = 4;
const BLACK_ON_WHITE = "\x1b[30;107m";
const RESET = "\x1b[0m";

export interface RenderQrCodeOptions {
  /** Says black on white itself; else what is written is taken to be lighter than its ground. */
  hasColours: boolean;
  /** For a light ground without colours. */
  isInverted?: boolean;
}

/** Two rows of modules a line. */
export function renderQrCode(code: QrCode, { hasColours, isInverted = false }: RenderQrCodeOptions): string[] {
  const isInk = (x: number, y: number): boolean => (code[y - MARGIN]?.[x - MARGIN] === true) === (hasColours || isInverted);
  const size = code.length + 2 * MARGIN;
  const lines: string[] = [];
  for (let y = 0; y < size; y += 2) {
    const line = Array.from({ length: size }, (_, x) => BLOCKS_OF[Number(isInk(x, y)) + 2 * Number(y + 1 < size && isInk(x, y + 1))]).join(
      "",
    );
    lines.push(hasColours ? `${BLACK_ON_WHITE}${line}${RESET}` : line);
  }
  return lines;
}

/** By the upper half, then the lower. */
const BLOCKS_OF = [" ", "▀", "▄", "█"];
