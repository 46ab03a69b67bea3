/** Types of events, and globs for them: `entity-*`. */

export const TYPE = /^[A-Za-z0-9][\w.:-]{0,127}$/;
export const GLOB = /^[A-Za-z0-9*][\w.:*-]{0,127}$/;
const MANY = 1_000;
const compiled = new Map<string, RegExp>();

export function isType(text: string): boolean {
  return TYPE.test(text);
}

export function isTypeGlob(text: string): boolean {
  return GLOB.test(text);
}

/** No globs are all types. */
export function matchesType(globs: readonly string[], type: string): boolean {
  return globs.length === 0 || globs.some((glob) => (glob.includes("*") ? compile(glob).test(type) : glob === type));
}

/** Stars in a row are one star: several would make an expression that takes for ever over a long name. */
function compile(glob: string): RegExp {
  const known = compiled.get(glob);
  if (known !== undefined) return known;
  const parts = glob
    .replace(/\*+/g, "*")
    .split("*")
    .map((part) => RegExp.escape(part));
  const made = new RegExp(`^${parts.join("[^]*?")}$`);
  if (compiled.size >= MANY) compiled.clear();
  compiled.set(glob, made);
  return made;
}
