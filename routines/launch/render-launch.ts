/** What a tool is given, for people to see: a script for a POSIX shell that does the same, or the parts of it. */
import { dirname } from "node:path";
import { MASK } from "../_script/secret-name.ts";
import type { Launch } from "./make-launch.ts";

/** The same without the key, wherever it stands. An empty key hides nothing. */
export function withoutKey(launch: Launch, key: string): Launch {
  if (key === "") return launch;
  const hide = (text: string): string => text.replaceAll(key, MASK).replaceAll(JSON.stringify(key).slice(1, -1), MASK);
  const hideAll = (texts: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, hide(text)]));
  return { ...launch, args: launch.args.map(hide), env: hideAll(launch.env), files: hideAll(launch.files) };
}

/** Comments first, then files, variables and the command line, every word quoted where it has to be. */
export function renderScript({ program, args, env, unset, files }: Launch, comments: readonly string[]): string {
  const folders = [...new Set(Object.keys(files).map((path) => dirname(path)))];
  return [
    ...comments.map((comment) => `# ${comment}`),
    ...(folders.length === 0 ? [] : ["umask 077", `mkdir -p ${folders.map(quote).join(" ")}`]),
    ...Object.entries(files).map(([path, text]) => `printf %s ${quote(text)} >${quote(path)}`),
    ...(unset.length === 0 ? [] : [`unset ${unset.join(" ")}`]),
    ...Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`),
    [program, ...args].map(quote).join(" "),
  ].join("\n");
}

/** A word as a POSIX shell reads it back. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
