/** A file of configuration that comes from elsewhere → the values in it: an env file, or a JSON object of names and values. */
import { HarborError } from "../_script/error.ts";
import { parseEnv } from "./parse-env.ts";

/** Keys as they are written in it. `file` is for messages. Throws where it is neither. */
export function readImport(text: string, file: string): Map<string, string> {
  return text.trimStart().startsWith("{") ? readJson(text, file) : parseEnv(text, { file });
}

function readJson(text: string, file: string): Map<string, string> {
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch (cause) {
    throw new HarborError(`Cannot read "${file}": it is no JSON (${(cause as Error).message})`, { cause });
  }
  const entries = Object.entries(object as Record<string, unknown>).map(([key, value]): [string, string] => {
    if (typeof value === "string") return [key, value];
    if (typeof value === "number" || typeof value === "boolean") return [key, String(value)];
    throw new HarborError(`Cannot read ${JSON.stringify(key)} of "${file}": its value is neither a text, a number, true nor false`);
  });
  return new Map(entries);
}
