/** Splits a command line into words as a shell would, without being one: no commands, no operators, no wildcards. */

interface Piece {
  text: string;
  /** Where the text after it starts. */
  end: number;
  isQuoted: boolean;
}

/** The words of `text`, quotes and backslashes honoured, `${…}` kept whole; undefined where a quote is never closed. */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let position = skipSpace(text, 0);
  while (position < text.length) {
    const found = scanWord(text, position);
    if (found === undefined) return undefined;
    words.push(found.word);
    position = skipSpace(text, found.end);
  }
  return words;
}

/**
 * The same with variables filled in: a value outside of quotes may be several words (and have quotes of its own),
 * one inside of quotes is part of one word, whatever it holds.
 */
export function splitFilledWords(text: string, fill: (text: string) => string): string[] | undefined {
  let filled = "";
  let open = "";
  let position = 0;
  while (position < text.length) {
    const piece = scanPiece(text, position);
    if (piece === undefined) return undefined;
    if (piece.isQuoted) {
      filled += `${fill(open)}'${fill(piece.text).replaceAll("'", "'\\''")}'`;
      open = "";
    } else open += text.slice(position, piece.end);
    position = piece.end;
  }
  return splitWords(filled + fill(open));
}

/** The first word, and the text after it as it stands. */
export function splitFirstWord(text: string): { first: string; rest: string } | undefined {
  const found = scanWord(text, skipSpace(text, 0));
  return found === undefined ? undefined : { first: found.word, rest: text.slice(found.end).trim() };
}

function skipSpace(text: string, from: number): number {
  let position = from;
  while (position < text.length && /\s/.test(text.charAt(position))) position++;
  return position;
}

function scanWord(text: string, start: number): { word: string; end: number } | undefined {
  let word = "";
  let position = start;
  while (position < text.length && !/\s/.test(text.charAt(position))) {
    const piece = scanPiece(text, position);
    if (piece === undefined) return undefined;
    word += piece.text;
    position = piece.end;
  }
  return { word, end: position };
}

/** One quoted run, one `${…}`, one escaped or one plain character. */
function scanPiece(text: string, start: number): Piece | undefined {
  const character = text.charAt(start);
  if (character === "'") {
    const close = text.indexOf("'", start + 1);
    return close === -1 ? undefined : { text: text.slice(start + 1, close), end: close + 1, isQuoted: true };
  }
  if (character === '"') return scanDoubleQuoted(text, start + 1);
  if (character === "\\") return { text: text.charAt(start + 1), end: Math.min(start + 2, text.length), isQuoted: false };
  if (text.startsWith("${", start)) return scanVariable(text, start);
  return { text: character, end: start + 1, isQuoted: false };
}

function scanDoubleQuoted(text: string, start: number): Piece | undefined {
  let inner = "";
  let position = start;
  while (position < text.length) {
    const character = text.charAt(position);
    if (character === '"') return { text: inner, end: position + 1, isQuoted: true };
    if (text.startsWith("${", position)) {
      const variable = scanVariable(text, position);
      inner += variable.text;
      position = variable.end;
      continue;
    }
    const isEscaped = character === "\\" && /["\\`$]/.test(text.charAt(position + 1));
    inner += isEscaped ? text.charAt(position + 1) : character;
    position += isEscaped ? 2 : 1;
  }
  return undefined;
}

function scanVariable(text: string, start: number): Piece {
  let depth = 0;
  for (let position = start; position < text.length; position++) {
    if (text.startsWith("${", position)) depth++;
    else if (text.charAt(position) === "}" && --depth === 0)
      return { text: text.slice(start, position + 1), end: position + 1, isQuoted: false };
  }
  return { text: text.slice(start), end: text.length, isQuoted: false };
}
