/** The last lines of what a program says, for the message that tells why it failed. */

export interface Tail {
  add(text: string): void;
  /** Oldest first, without colours, blank lines, or the same line drawn again. */
  lines(): string[];
}

/** Keeps about the last `limit` lines; memory stays bounded however much comes. */
export function createTail(limit: number): Tail {
  const maxChars = limit * 400;
  let kept = "";
  return {
    add(text) {
      kept += text;
      if (kept.length > 2 * maxChars) kept = kept.slice(-maxChars);
    },
    lines() {
      const lines = Bun.stripANSI(kept)
        .split(/[\r\n]+/)
        .map((line) => line.trimEnd())
        .filter((line) => line !== "");
      return [...new Set(lines)].slice(-limit);
    },
  };
}
