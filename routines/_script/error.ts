/**
 * The one error a person can act on, and the closed list of exit codes (docs/exit-codes.md).
 * Anything thrown that is not a HarborError is a bug and shows its stack.
 */

/** Exit status by meaning; `_script/script.ts` alone turns one into the process's own. */
export const EXIT = {
  failed: 1,
  usage: 2,
  missing: 3,
  unknown: 4,
  timeout: 5,
  interrupted: 130,
} as const;

export type Exit = keyof typeof EXIT;

/** A place in a text file; line and column count from 1. */
export interface Place {
  file: string;
  line?: number;
  column?: number;
}

export interface HarborErrorOptions {
  /** One next step, in the imperative. */
  hint?: string;
  /** Which exit code it ends in; `failed` when left out. */
  exit?: Exit;
  /** Of a program that has codes of its own: that one instead. */
  code?: number;
  cause?: unknown;
  /** Where in which file, shown as `file:line:column` before the message. */
  at?: Place;
  /** Several problems found in one go: shown as a list under the message. */
  details?: readonly string[];
}

/** Message: Cannot <action> "<thing>": <state>; sentence case, no full stop. */
export class HarborError extends Error {
  readonly exit: Exit;
  readonly code: number;
  readonly hint: string | undefined;
  readonly at: Place | undefined;
  readonly details: readonly string[];

  constructor(message: string, options: HarborErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HarborError";
    this.exit = options.exit ?? "failed";
    this.code = options.code ?? EXIT[this.exit];
    this.hint = options.hint;
    this.at = options.at;
    this.details = options.details ?? [];
  }
}

/** `file:line:column`, as editors and terminals make clickable. */
export function formatPlace(place: Place): string {
  return [place.file, place.line, place.column].filter((part) => part !== undefined).join(":");
}
