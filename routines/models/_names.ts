/**
 * Names that become paths on this disk: a repository's and a revision's, from the user, and those of files, from the network.
 * What could lead out of its folder, or write to a terminal what is no name, is refused.
 */

/** `name` or `namespace/name`, as huggingface_hub takes them: letters, digits, `-_.`, at most 96 characters, no `--` or `..`. */
export function isRepoName(text: string): boolean {
  return (
    /^[A-Za-z0-9_][\w.-]{0,95}(?:\/[A-Za-z0-9_][\w.-]{0,95})?$/.test(text) && !/--|\.\.|[-.](?:\/|$)|\.git$/.test(text) && text.length <= 96
  );
}

/** A relative path that stays in its folder; a revision such as `refs/pr/1` is one too. */
export function isInnerPath(text: string): boolean {
  const isPlain = !/[\\\p{Cc}]/u.test(text) && text.length <= 1_000;
  return isPlain && text.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

/** A full commit, which is its own revision. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** What another machine says, for a terminal: one line, no control characters, not long. */
export function tame(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}]+/gu, " ")
    .trim()
    .slice(0, 300);
}
