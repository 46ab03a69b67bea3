/**
 * Which paths of a repository are asked for. The patterns are those of Python's `fnmatch`, as huggingface_hub reads
 * `allow_patterns`: `*` crosses folders too, case counts, `folder/` means all in it. So the list that a service's container
 * uses can be used as it is.
 */

/** Those of the paths that any of the patterns means; all where there is no pattern. */
export function matchPaths(paths: readonly string[], patterns: readonly string[] | undefined): string[] {
  if (patterns === undefined || patterns.length === 0) return [...paths];
  const wanted = patterns.map(toRegExp);
  return paths.filter((path) => wanted.some((pattern) => pattern.test(path)));
}

/** The patterns that mean none of the paths. */
export function idlePatterns(paths: readonly string[], patterns: readonly string[] = []): string[] {
  return patterns.filter((pattern) => matchPaths(paths, [pattern]).length === 0);
}

function toRegExp(pattern: string): RegExp {
  const whole = pattern.endsWith("/") ? `${pattern}*` : pattern;
  // the first character of a class may be its closing bracket; one that is never closed is a bracket as it stands
  const parts = whole.match(/\*+|\?|\[(?:![\s\S]|[^!])[^\]]*\]|[\s\S]/gu) ?? [];
  return new RegExp(`^${parts.map(translate).join("")}$`, "su");
}

function translate(part: string): string {
  if (part.startsWith("*")) return ".*";
  if (part === "?") return ".";
  if (part.length > 1 && part.startsWith("[")) return translateClass(part.slice(1, -1));
  return escapeText(part);
}

/** The ranges of a class, each of its characters escaped; a range that runs backwards means nothing. */
function translateClass(inside: string): string {
  const isNegated = inside.startsWith("!");
  const items = (isNegated ? inside.slice(1) : inside).match(/[\s\S]-[\s\S]|[\s\S]/gu) ?? [];
  const ranges = items.flatMap((item) => {
    const [from = "", , to] = [...item];
    if (to === undefined) return [escapeInClass(item)];
    return from <= to ? [`${escapeInClass(from)}-${escapeInClass(to)}`] : [];
  });
  if (ranges.length === 0) return isNegated ? "." : "(?!)";
  return `[${isNegated ? "^" : ""}${ranges.join("")}]`;
}

function escapeText(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&");
}

function escapeInClass(character: string): string {
  return character.replace(/[\\\]^[-]/gu, "\\$&");
}
