/**
 * A place in a text, line by line: what the fast YAML reader stands on. It knows lines, indents, comments and literal
 * blocks, and gives up (`UNSURE`) where the text leaves the subset.
 */

/** Thrown, without a stack, where the text leaves the subset. */
export const UNSURE = Symbol("not in the subset");

const REST_OF_LINE = / *(?: #[^\n]*)?(?=\n|$)/y;
export const NEWLINE = 10;
const SPACE = 32;
export const HASH = 35;
const DASH = 45;

export class PlainCursor {
  /** Where the current line's first character that is not a space stands; for `- a: 1`, then where `a` does. */
  protected at = 0;
  protected indent = -1;
  protected atEnd = false;

  constructor(protected readonly text: string) {}

  /** Goes to the first line from `from` on that is neither blank nor a comment. */
  protected moveToLine(from: number): void {
    const { text } = this;
    let start = from;
    while (start < text.length) {
      let at = start;
      while (text.charCodeAt(at) === SPACE) at++;
      const letter = text.charCodeAt(at);
      if (letter !== NEWLINE && letter !== HASH && at < text.length) {
        this.at = at;
        this.indent = at - start;
        return;
      }
      const newline = text.indexOf("\n", at);
      start = newline === -1 ? text.length : newline + 1;
    }
    this.atEnd = true;
    this.indent = -1;
  }

  protected isItem(): boolean {
    if (this.atEnd || this.text.charCodeAt(this.at) !== DASH) return false;
    const next = this.text.charCodeAt(this.at + 1);
    return next === SPACE || next === NEWLINE || Number.isNaN(next);
  }

  protected match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  protected takes(letter: string): boolean {
    if (this.text[this.at] !== letter) return false;
    this.at++;
    return true;
  }

  protected skipSpaces(): number {
    while (this.text.charCodeAt(this.at) === SPACE) this.at++;
    return this.text.charCodeAt(this.at);
  }

  protected isComment(): boolean {
    return this.text.charCodeAt(this.at) === HASH && this.text.charCodeAt(this.at - 1) === SPACE;
  }

  protected endLine(): void {
    if (this.text.charCodeAt(this.at) === HASH && this.text.charCodeAt(this.at - 1) === SPACE) this.at--;
    if (this.match(REST_OF_LINE) === undefined) throw UNSURE;
    this.moveToLine(this.at + 1);
  }

  /** The first line that is not blank, comments being text here. */
  protected moveToContent(from: number): void {
    let start = from;
    while (start < this.text.length) {
      let at = start;
      while (this.text.charCodeAt(at) === SPACE) at++;
      if (at >= this.text.length) break;
      if (this.text.charCodeAt(at) !== NEWLINE) {
        this.indent = at - start;
        return;
      }
      start = at + 1;
    }
    throw UNSURE;
  }

  /** A literal block: `|`, `|-` or `|+`, its indent that of its first line. */
  protected readLiteral(parentIndent: number): string {
    const chomp = this.text[this.at + 1];
    this.at += chomp === "-" || chomp === "+" ? 2 : 1;
    if (this.text.charCodeAt(this.at) !== NEWLINE) throw UNSURE;
    const from = this.at + 1;
    this.moveToContent(from);
    if (this.indent <= parentIndent) throw UNSURE;
    const lines: string[] = [];
    const end = this.takeLines(from, parentIndent, lines);
    this.moveToLine(end);
    const isCut = end === this.text.length && !this.text.endsWith("\n");
    return chompLines(lines, chomp, isCut);
  }

  /** Collects the block's lines; gives where the line after them starts. */
  private takeLines(from: number, parentIndent: number, lines: string[]): number {
    const { text, indent } = this;
    let start = from;
    while (start < text.length) {
      const newline = text.indexOf("\n", start);
      const end = newline === -1 ? text.length : newline;
      const spaces = this.countSpaces(start, end);
      const isBlank = start + spaces === end;
      if (!isBlank && spaces < indent) {
        if (spaces > parentIndent) throw UNSURE;
        return start;
      }
      if (isBlank && spaces > indent && lines.every((line) => line === "")) throw UNSURE;
      lines.push(text.slice(Math.min(start + indent, end), end));
      start = end + 1;
    }
    return text.length;
  }

  private countSpaces(start: number, end: number): number {
    let at = start;
    while (at < end && this.text.charCodeAt(at) === SPACE) at++;
    return at - start;
  }
}

function chompLines(lines: string[], chomp: string | undefined, isCut: boolean): string {
  let kept = lines.length;
  while (kept > 0 && lines[kept - 1] === "") kept--;
  const body = lines.slice(0, kept).join("\n");
  if (chomp === "-") return body;
  if (chomp === "+") return lines.join("\n") + (isCut ? "" : "\n");
  return isCut && kept === lines.length ? body : `${body}\n`;
}
