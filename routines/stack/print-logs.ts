/** Log lines for people: each behind its service's name, in that service's colour where a terminal shows it. */
import { fstatSync } from "node:fs";
import { emitLine } from "../_script/emit.ts";
import type { LogLine } from "./read-stack-logs.ts";

export interface PrintLogsOptions {
  hasPrefix: boolean;
  /** Services that may come, so that their lines stand below each other from the first on. */
  names?: readonly string[] | undefined;
  hasTimes?: boolean;
  hasColours: boolean;
}

/** Those that can be told apart on dark and light grounds alike; red is left to what services themselves say. */
const COLOURS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94];
const RESET = "\x1b[0m";

/** On a terminal, unless the user wants none. A character device is one, or nobody reads it; node:tty takes 6 ms to load. */
export function showsColours(env: Readonly<Record<string, string | undefined>>): boolean {
  return !env.NO_COLOR && env.TERM !== "dumb" && fstatSync(1).isCharacterDevice();
}

/** Prints each line on stdout as it comes, until nobody reads them any more; says how many it were. */
export async function printLogs(lines: AsyncIterable<LogLine>, options: PrintLogsOptions): Promise<number> {
  const colourOf = options.hasColours ? pickColours() : undefined;
  let width = Math.max(0, ...(options.names ?? []).map((name) => name.length));
  let count = 0;
  for await (const { service, time, line } of lines) {
    width = Math.max(width, service.length);
    const colour = colourOf?.(service);
    const name = options.hasPrefix ? paint(`${service.padEnd(width)} |`, colour) : "";
    const text = colour !== undefined && line.includes("\x1b") ? `${line}${RESET}` : line; // its colours end with it
    count++;
    if (!emitLine([name, options.hasTimes ? time : "", text].filter((part, index) => index === 2 || part !== "").join(" "))) break;
  }
  return count;
}

function paint(text: string, colour: number | undefined): string {
  return colour === undefined ? text : `\x1b[${colour}m${text}${RESET}`;
}

/** The same for a service each time, by its name; another one where that is taken and there is one. */
export function pickColours(): (service: string) => number {
  const picked = new Map<string, number>();
  return (service) => {
    const known = picked.get(service);
    if (known !== undefined) return known;
    const wish = Number(Bun.hash.adler32(service)) % COLOURS.length;
    const inOrder = [...COLOURS.slice(wish), ...COLOURS.slice(0, wish)];
    const taken = new Set(picked.values());
    const colour = inOrder.find((it) => !taken.has(it)) ?? inOrder[0] ?? 0;
    picked.set(service, colour);
    return colour;
  };
}
