/** A text → the lines of a QR code (ISO/IEC 18004) for a terminal, two rows of modules a line. */
import { encode } from "uqr";

/** The light margin that a reader needs. */
const MARGIN = 4;
const BLACK_ON_WHITE = "\x1b[30;107m";
const RESET = "\x1b[0m";
/** By the upper half, then the lower. */
const BLOCKS = [" ", "▀", "▄", "█"];

export interface RenderQrCodeOptions {
  /** Says black on white itself; else what is written is taken to be lighter than its ground. */
  hasColours: boolean;
  /** For a light ground without colours. */
  isInverted?: boolean;
}

/** Of ASCII, as URLs are: readers disagree about all else. Error correction M: a camera reads it off a screen, which has no dirt. */
export function renderQrCode(text: string, { hasColours, isInverted = false }: RenderQrCodeOptions): string[] {
  const { data, size } = encode(text, { ecc: "M", border: MARGIN });
  const isInk = (x: number, y: number): boolean => (data[y]?.[x] === true) === (hasColours || isInverted);
  const lines: string[] = [];
  for (let y = 0; y < size; y += 2) {
    const blocks = Array.from({ length: size }, (_, x) => BLOCKS[Number(isInk(x, y)) + 2 * Number(y + 1 < size && isInk(x, y + 1))]);
    lines.push(hasColours ? `${BLACK_ON_WHITE}${blocks.join("")}${RESET}` : blocks.join(""));
  }
  return lines;
}
