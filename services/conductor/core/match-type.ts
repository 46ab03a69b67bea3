/** Types of events, and globs for them: `entity-*`. */

export const TYPE = /^[A-Za-z0-9][\w.:-]{0,127}$/;
export const GLOB = /^[A-Za-z0-9*][\w.:*-]{0,127}$/;
const MANY = 1_000;
/** What stands between the stars of a glob. */
const split = new Map<string, readonly string[]>();

export function isType(text: string): boolean {
  return TYPE.test(text);
}

export function isTypeGlob(text: string): boolean {
  return GLOB.test(text);
}

/** No globs are all types. */
export function matchesType(globs: readonly string[], type: string): boolean {
  return globs.length === 0 || globs.some((glob) => (glob.includes("*") ? matches(partsOf(glob), type) : glob === type));
}

function partsOf(glob: string): readonly string[] {
  const known = split.get(glob);
  if (known !== undefined) return known;
  const parts = glob.split("*");
  if (split.size >= MANY) split.clear();
  split.set(glob, parts);
  return parts;
}

/** Each part where it first comes after the one before. A regular expression would try all places for each: with many stars for ever. */
function matches(parts: readonly string[], type: string): boolean {
  const [first = ""] = parts;
  const last = parts.at(-1) ?? "";
  const end = type.length - last.length;
  if (end < first.length || !type.startsWith(first) || !type.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = type.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
