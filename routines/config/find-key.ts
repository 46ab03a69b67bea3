/** A key as a person types it → the variable it means, and whether any file of the workspace has it. */
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import type { Key } from "./list-keys.ts";
import { variableOf } from "./name-variable.ts";

export interface FoundKey {
  name: string;
  /** Undefined where nothing names it. */
  known: Key | undefined;
}

/** Either spelling. Throws `usage` for what can be no name of a variable. */
export function findKey(typed: string, keys: ReadonlyMap<string, Key>): FoundKey {
  const name = variableOf(typed);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || name === "HARBOR_") {
    throw new HarborError(`Cannot use "${typed}" as a key: it is no name`, {
      exit: "usage",
      hint: "Write it like ollama.host_port or HARBOR_OLLAMA_HOST_PORT",
    });
  }
  return { name, known: keys.get(name) };
}

/** For a key that nothing names: `unknown`, with the nearest in the spelling that was typed. */
export function unknownKey(typed: string, keys: ReadonlyMap<string, Key>, hint?: string): HarborError {
  const isVariable = variableOf(typed) === typed;
  const names = isVariable ? [...keys.keys()] : [...keys.values()].map(({ key }) => key);
  const whole = `HARBOR_${typed.toUpperCase()}`;
  const guess = isVariable && keys.has(whole) ? whole : nearest(typed, names);
  const suggestion = guess === undefined ? "" : `; did you mean "${guess}"?`;
  return new HarborError(`Cannot find key "${typed}": no file of the workspace names it${suggestion}`, {
    exit: "unknown",
    hint: hint ?? "`harbor config ls --all` shows every key",
  });
}
