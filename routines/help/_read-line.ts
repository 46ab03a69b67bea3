/** The words that stand before the one that is being typed → what is given already, and what the next one may be. */
import type { OptionDescription } from "./describe-commands.ts";

/** What the words before the cursor are to the command. */
export interface Reading {
  positionals: string[];
  /** Names of the options that were given. */
  given: string[];
  /** The option whose value is being typed. */
  open: OptionDescription | undefined;
  /** Behind `--`, or behind the first word of a command that hands on: nothing is Harbor's any more. */
  isOver: boolean;
  directory: string | undefined;
}

export interface ReadLineOptions {
  words: readonly string[];
  options: readonly OptionDescription[];
  /** Whether all after the first word that is no option goes to another program. */
  passesOn: boolean;
}

/** As the commands' own parser reads them, but for a line that is not whole yet: nothing is an error. */
export function readLine({ words, options, passesOn }: ReadLineOptions): Reading {
  const reading: Reading = { positionals: [], given: [], open: undefined, isOver: false, directory: undefined };
  for (const word of words) {
    if (reading.isOver) reading.positionals.push(word);
    else if (reading.open !== undefined) {
      if (reading.open.name === "workspace") reading.directory = word;
      reading.open = undefined;
    } else if (word === "--") reading.isOver = true;
    else if (word.startsWith("-") && word !== "-") readOption(word, options, reading);
    else {
      reading.positionals.push(word);
      reading.isOver = passesOn;
    }
  }
  return reading;
}

/** `--name`, `--name=value`, `-n`, `-nvalue`, and several letters in one word. */
function readOption(word: string, options: readonly OptionDescription[], reading: Reading): void {
  if (word.startsWith("--")) {
    const [name = "", ...value] = word.slice(2).split("=");
    const option = options.find((it) => it.name === name);
    reading.given.push(name);
    if (value.length > 0 && name === "workspace") reading.directory = value.join("=");
    if (option?.takesValue && value.length === 0) reading.open = option;
    return;
  }
  for (const [index, letter] of [...word.slice(1)].entries()) {
    const option = options.find((it) => it.letter === letter);
    if (option === undefined) return;
    reading.given.push(option.name);
    if (!option.takesValue) continue;
    if (index === word.length - 2) reading.open = option;
    return;
  }
}
