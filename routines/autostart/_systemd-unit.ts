/**
 * A systemd unit of the user for what is to start, and what one says. Every value is escaped by systemd's own rules,
 * and none goes through a shell.
 */
import { HarborError } from "../_script/error.ts";
import type { Entry, WrittenEntry } from "./_entry.ts";
import { fillTemplate } from "./_fill-template.ts";

/** Throws for a value that no unit can hold. */
export function renderUnit(entry: Entry): string {
  const environment = Object.entries({ HARBOR_HOME: entry.home, ...entry.environment });
  return fillTemplate("systemd.service", {
    services: escapeText(entry.services.join(", ")),
    environment: environment.map(([name, value]) => `Environment=${quoteWord(`${name}=${value}`)}`).join("\n"),
    directory: entry.directory === undefined ? "" : `WorkingDirectory=${escapeText(entry.directory)}`,
    up: writeCommand([entry.launcher, ...entry.up]),
    down: writeCommand([entry.launcher, "down"]),
  });
}

/** Undefined where it has no command that we could have written. */
export function readUnit(text: string): WrittenEntry | undefined {
  const line = /^ExecStart=(.*)$/m.exec(text)?.[1];
  const words = [...(line ?? "").matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = ""]) => unquoteWord(word));
  const [launcher, ...rest] = words;
  if (launcher === undefined) return undefined;
  return { command: [launcher.replace(/^:/, ""), ...rest] };
}

/** The colon keeps systemd from replacing `$NAME` in them. */
function writeCommand([launcher = "", ...words]: readonly string[]): string {
  return [`:${launcher}`, ...words].map(quoteWord).join(" ");
}

/** A word in quotes, where a backslash escapes and `%` begins a specifier. */
function quoteWord(word: string): string {
  return `"${refuseControls(word).replace(/[\\"]/g, "\\$&").replaceAll("%", "%%")}"`;
}

function unquoteWord(word: string): string {
  return word.replace(/\\(.)/g, "$1").replaceAll("%%", "%");
}

/** A value that goes to the end of its line, where quotes and blanks are plain text. */
function escapeText(text: string): string {
  if (text !== text.trim() || text.endsWith("\\")) throw unwritable(text, "it begins or ends with what systemd would take away");
  return refuseControls(text).replaceAll("%", "%%");
}

function refuseControls(text: string): string {
  if (/[\p{Cc}\p{Cs}]/u.test(text)) throw unwritable(text, "it holds a line break or another control character");
  return text;
}

function unwritable(text: string, why: string): HarborError {
  return new HarborError(`Cannot write ${JSON.stringify(text)} into a systemd unit: ${why}`);
}
