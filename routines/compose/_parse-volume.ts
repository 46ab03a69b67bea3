/** The short spelling of a volume: `[source:]target[:options]`, with a drive letter's colon left in its place. */

export interface ShortVolume {
  /** "" for an anonymous volume. */
  source: string;
  target: string;
  options: string;
}

/** Takes an interpolated text apart; undefined where compose refuses it. */
export function parseVolume(text: string): ShortVolume | undefined {
  if (text === "") return undefined;
  if (text.length < 3) return { source: "", target: text, options: "" };
  const parts = splitAtColons(text);
  if (parts.length > 3 || parts.includes("")) return undefined;
  if (parts.length === 1) return { source: "", target: parts[0] as string, options: "" };
  return { source: parts[0] as string, target: parts[1] as string, options: parts[2] ?? "" };
}

/** True where a source is a path on the host, not the name of a volume. */
export function isHostPath(source: string): boolean {
  const first = source[0];
  return first === "." || first === "/" || first === "~" || source.startsWith("\\\\") || (source[1] === ":" && isLetter(first));
}

function splitAtColons(text: string): string[] {
  const parts: string[] = [];
  for (const part of text.split(":")) {
    const before = parts.at(-1);
    if (before?.length === 1 && isLetter(before)) parts[parts.length - 1] = `${before}:${part}`;
    else parts.push(part);
  }
  return parts;
}

/** A letter of any script; a Unicode pattern would cost a millisecond to compile. */
function isLetter(text: string | undefined): boolean {
  return text !== undefined && text.toLowerCase() !== text.toUpperCase();
}
