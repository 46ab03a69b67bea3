/** What verbs tell a person on stderr. */
import { log } from "../_script/log.ts";

/** Each warning on its own line; loads the logger only when there is one. */
export function warn(warnings: readonly string[]): void {
  for (const warning of warnings) log().warn(warning);
}
