/**
 * Short and other names of verbs, subcommands and options, for fingers that know them from av/harbor. One counts where what it
 * names is there and nothing has the name itself; completion, help and the overview do not name them.
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

/** The same of subcommands: of those there are, the first counts. */
const SUBCOMMAND_ALIASES: Readonly<Record<string, readonly string[]>> = {
  list: ["ls"],
  rm: ["unset"],
  remove: ["rm", "unset"],
  unset: ["rm"],
  add: ["save"],
  load: ["use"],
  set: ["use"],
};

/** And of options. */
export const OPTION_ALIASES: Readonly<Record<string, string>> = {
  active: "up",
  source: "store",
  addressable: "lan",
  intra: "internal",
};

/** The verb that a word names, by its own name or by another. */
export function verbOf(word: string, table: CommandTable): string | undefined {
  if (Object.hasOwn(table, word)) return word;
  const verb = Object.hasOwn(VERB_ALIASES, word) ? VERB_ALIASES[word] : undefined;
  return verb !== undefined && Object.hasOwn(table, verb) ? verb : undefined;
}

/** The subcommand that a word names, by its own name or by another. */
export function subcommandOf(word: string, table: CommandTable): string | undefined {
  if (Object.hasOwn(table, word)) return word;
  const others = Object.hasOwn(SUBCOMMAND_ALIASES, word) ? SUBCOMMAND_ALIASES[word] : undefined;
  return others?.find((it) => Object.hasOwn(table, it));
}
