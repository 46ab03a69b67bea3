/** What verbs tell a person on stderr. */
import { log } from "../_script/log.ts";

/** For whoever asks what runs. */
export const NOTHING_IS_UP = "nothing is up; `harbor up` starts something";

/** One line of no urgency: what is so, and what to do about it. */
export function note(text: string): void {
  log().log(`harbor: ${text}`);
}

/** Each warning on its own line; loads the logger only when there is one. */
export function warn(warnings: readonly string[]): void {
  for (const warning of warnings) log().warn(warning);
}
