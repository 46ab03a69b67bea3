/** A selection as it was asked for → the words of a command line that asks for it again. */
import { type SelectionArgs, selectionArgs } from "./selection-args.ts";

/** Options first, each in one word with its value. */
export function selectionWords(args: SelectionArgs): string[] {
  const words: string[] = [];
  for (const [key, spec] of Object.entries(selectionArgs)) {
    const value: string | boolean | string[] | undefined = args[key as keyof SelectionArgs];
    if (spec.type === "positional" || value === undefined || value === false) continue;
    if (value === true) words.push(`--${key}`);
    else for (const each of [value].flat()) words.push(`--${key}=${each}`);
  }
  return [...words, ...args.names];
}
