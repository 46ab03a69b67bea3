/** What is sent, as it stands on the command line. */
import { readFileSync } from "node:fs";
import { parseDuration } from "../../../routines/_script/duration.ts";
import { HarborError } from "../../../routines/_script/error.ts";

/** For the help of a positional. */
export const PAYLOAD = "JSON, or any text; - is stdin, @FILE a file; null when left out";

/** JSON where it is JSON, else the text itself. */
export async function readPayload(word: string | undefined): Promise<unknown> {
  if (word === undefined) return null;
  const text = await readWord(word);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** `-` is stdin, `@FILE` a file, without the newline at its end. */
async function readWord(word: string): Promise<string> {
  if (word === "-") return (await Bun.stdin.text()).replace(/\n$/, "");
  if (!word.startsWith("@")) return word;
  try {
    return readFileSync(word.slice(1), "utf8").replace(/\n$/, "");
  } catch (error) {
    throw new HarborError(`Cannot read "${word.slice(1)}": ${(error as Error).message}`, {
      hint: `A text that begins with @ goes over stdin: -`,
    });
  }
}

/** `10s`, `5m`, a bare number of seconds. Throws `usage`. */
export function readSeconds(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(/^\d+(?:\.\d+)?$/.test(text) ? `${text}s` : text);
  if (ms !== undefined) return ms / 1_000;
  throw new HarborError(`Cannot use ${option} "${text}": it is no duration`, { exit: "usage", hint: "Write it like 30s, 10m or 2h" });
}

/** Throws `usage`. */
export function readCount(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new HarborError(`Cannot use ${option} "${text}": it is no whole number`, { exit: "usage" });
}

/** As a person reads a value. */
export function wordValue(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

/** How long ago something was. */
export function ago(time: string | null): string {
  if (time === null) return "never";
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 1_000));
  if (seconds < 120) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.round(hours / 24)} d ago`;
}
