/** A line whose options end at its first word: what stands before that is Harbor's own, what follows belongs to another program. */
import type { ArgSpecs, ArgValues } from "./command.ts";
import { parseCommandArgs } from "./parse-args.ts";

export interface LeadingOptions<A extends ArgSpecs> {
  args: ArgValues<A>;
  /** From the first word that is no option on, every one as it was typed; a `--` right before it is left out. */
  words: string[];
}

/** `specs` are options alone. Throws `usage` as parse-args does. */
export function readLeadingOptions<A extends ArgSpecs>(line: readonly string[], specs: A, program: string): LeadingOptions<A> {
  let at = 0;
  while (line[at]?.startsWith("-") && line[at] !== "--" && line[at] !== "-") at += takesNext(line[at] ?? "", specs) ? 2 : 1;
  const { args } = parseCommandArgs(line.slice(0, at), specs, program);
  return { args, words: line.slice(line[at] === "--" ? at + 1 : at) };
}

/** Whether an option's value is the word after it: not where it stands in the same word. */
function takesNext(option: string, specs: ArgSpecs): boolean {
  if (option.startsWith("--")) return specs[option.slice(2)]?.type === "string";
  const last = option.at(-1);
  return Object.values(specs).some((spec) => spec.type === "string" && spec.alias === last && option.length === 2);
}
