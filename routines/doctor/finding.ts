/** What a check says: one line of `harbor doctor`, with why it matters and what to do about it. */

/** `skipped`: it could not be looked at, and `what` says why. */
export type State = "ok" | "warning" | "failed" | "skipped";

export interface Finding {
  state: State;
  /** What was found, on one line. */
  what: string;
  /** What comes of it, where it is not as it should be. */
  why?: string;
  /** A command to type, or a sentence. */
  fix?: string;
  details?: readonly string[];
  /** Puts it right, and says what it did; only where nothing of the user's can be lost by it, and without other rights. */
  mend?: () => string | Promise<string>;
}

/** A finding that asks for something. */
export type Trouble = Omit<Finding, "state"> & Required<Pick<Finding, "why" | "fix">>;

export const ok = (what: string, details: readonly string[] = []): Finding => ({
  state: "ok",
  what,
  ...(details.length === 0 ? {} : { details }),
});

export const skipped = (what: string): Finding => ({ state: "skipped", what });
export const warning = (trouble: Trouble): Finding => ({ state: "warning", ...trouble });
export const failed = (trouble: Trouble): Finding => ({ state: "failed", ...trouble });
