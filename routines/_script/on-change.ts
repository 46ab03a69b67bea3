/**
 * Who is told of commands that change something, once they have ended: the program says it at its start (harbor.ts), so that
 * a routine which runs by itself tells nobody.
 */
import type { ArgSpecs } from "./command.ts";

export interface Change {
  /** What was typed before the words: `harbor config set`. */
  program: string;
  specs: ArgSpecs;
  /** By option, as they were understood. */
  args: Readonly<Record<string, unknown>>;
  /** How many words stood after `--`. */
  rest: number;
  exit: number;
  ms: number;
}

type Listener = (change: Change) => void | Promise<void>;

let listener: Listener | undefined;

export function listenForChanges(to: Listener | undefined): void {
  listener = to;
}

/** What becomes of the news changes nothing for the command. */
export async function tellOfChange(change: Change): Promise<void> {
  try {
    await listener?.(change);
  } catch {
    // a full disk, a home that cannot be written: what was asked for is done
  }
}
