/**
 * What was understood of a command line → words that may be kept. A secret is not recognised by its looks alone: what is a
 * value, and what is handed on to another program, is never kept, whatever it is.
 */
import type { ArgSpecs, BooleanOption, StringOption } from "../_script/command.ts";
import { isSecretName, MASK, maskUrls } from "../_script/secret-name.ts";

/** Positionals that name something: services, keys, files. Of all others no word is kept. */
const NAMING: ReadonlySet<string> = new Set([
  ...["handle", "handles", "name", "names", "key", "keys", "service", "services", "model", "models"],
  ...["checks", "kinds", "file", "folder", "mounts", "action", "where"],
]);
/** Long enough for any name of those. */
const LONGEST = 120;

/** Positionals first, then options, as they would be typed. */
export function maskWords(specs: ArgSpecs, args: Readonly<Record<string, unknown>>, rest: number): string[] {
  const entries = Object.entries(specs);
  const positionals = entries.flatMap(([key, spec]) =>
    spec.type === "positional" ? textsOf(args[key]).map((it) => maskPositional(key, it)) : [],
  );
  const options = entries.flatMap(([key, spec]) => (spec.type === "positional" ? [] : optionWords(key, spec, args[key])));
  return [...positionals, ...options, ...(rest === 0 ? [] : ["--", MASK])];
}

function maskPositional(key: string, text: string): string {
  return NAMING.has(key) ? maskWord(text) : MASK;
}

/** What was not given stands at its default. */
function optionWords(key: string, spec: BooleanOption | StringOption, value: unknown): string[] {
  if (spec.type === "boolean") return value === true ? [`--${key}`] : [];
  const isSecret = isSecretName(key.replaceAll("-", "_"));
  const given = textsOf(value).filter((text) => text !== spec.default);
  return given.flatMap((text) => [`--${key}`, isSecret ? MASK : maskWord(text)]);
}

function textsOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((it) => typeof it === "string");
}

/** Prefixes that providers give their tokens, and what only a machine would write. */
const TOKEN =
  /(?:^|[^A-Za-z0-9])(?:(?:sk|pk|rk|glpat|xox[abeprs])-[-\w]{8,}|(?:hf|gh[opusr]|github_pat|sk|pk|rk)_\w{12,}|(?:AKIA|ASIA|AIza|eyJ)[-\w]{10,})|[A-Za-z0-9]{32,}/;
const ASSIGNMENT = /^([A-Za-z_][\w.-]*)=/;
/** A URL's query and fragment may hold anything. */
const QUERY = /(https?:\/\/[^\s?#]+)[?#]\S*/gi;

/** One word: what stands after `NAME=`, a URL's password and query, and a token are not kept. */
function maskWord(text: string): string {
  const [, name] = ASSIGNMENT.exec(text) ?? [];
  if (name !== undefined) return `${name}=${MASK}`;
  if (TOKEN.test(text) || /\bbearer\b/i.test(text)) return MASK;
  const shown = maskUrls(text)
    .replace(QUERY, `$1?${MASK}`)
    .replace(/\p{Cc}/gu, " ");
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}
