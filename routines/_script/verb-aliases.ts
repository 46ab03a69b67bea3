/**
 * Short and other names of verbs, for fingers that know them from av/harbor. One counts where its verb is there and none
 * has the name itself; completion and the overview do not name them.
 */
import type { CommandTable } from "./command.ts";

export const VERB_ALIASES: Readonly<Record<string, string>> = {
  u: "up",
  s: "up",
  start: "up",
  d: "down",
  r: "restart",
  l: "logs",
  log: "logs",
  list: "ls",
  o: "open",
  a: "alias",
  aliases: "alias",
  h: "history",
  p: "profile",
  profiles: "profile",
  t: "tunnel",
};

/** The verb that a word names, by its own name or by another. */
export function verbOf(word: string, table: CommandTable): string | undefined {
  if (Object.hasOwn(table, word)) return word;
  const verb = Object.hasOwn(VERB_ALIASES, word) ? VERB_ALIASES[word] : undefined;
  return verb !== undefined && Object.hasOwn(table, verb) ? verb : undefined;
}
