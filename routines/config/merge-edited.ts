/** A file that a person has edited a copy of, while commands may have changed the file itself: both together. */
import { HarborError } from "../_script/error.ts";
import { parseEnv } from "./parse-env.ts";
import { applyChanges, type Changes } from "./rewrite-env-file.ts";

export interface MergeEditedOptions {
  /** The file when the copy was made, as it is now, and the copy. */
  original: string;
  current: string;
  edited: string;
  /** For messages. */
  file: string;
}

/** The edited text, with what others have set or taken out since; throws where both changed one key, each to something else. */
export function mergeEdited({ original, current, edited, file }: MergeEditedOptions): string {
  if (current === original || edited === current) return edited;
  const before = parseEnv(original, { file });
  const mine = changesBetween(before, parseEnv(edited, { file }));
  const theirs = changesBetween(before, parseEnv(current, { file }));
  const both = [...theirs.keys()].filter((name) => mine.has(name) && mine.get(name) !== theirs.get(name));
  if (both.length > 0) {
    throw new HarborError(`Cannot take your changes over: ${both.join(", ")} ${both.length === 1 ? "was" : "were"} changed meanwhile`, {
      hint: "`harbor config ls` shows the values that hold now",
    });
  }
  return applyChanges(edited, theirs, file);
}

/** What has to be set, and taken out, to get from one to the other. */
export function changesBetween(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Changes {
  const changes = new Map<string, string | undefined>([...after].filter(([name, value]) => before.get(name) !== value));
  for (const name of before.keys()) if (!after.has(name)) changes.set(name, undefined);
  return changes;
}
