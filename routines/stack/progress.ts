/** What a person hears on stderr while a stack starts or stops; nothing of it with `--json`. */
import { log } from "../_script/log.ts";

export interface Progress {
  say(subject: string, what: string): void;
  warn(text: string): void;
  /** How compose's own progress is shown. */
  readonly isQuiet: boolean;
}

/** Quiet: warnings only. */
export function createProgress(isQuiet: boolean): Progress {
  return {
    isQuiet,
    say: (subject, what) => {
      if (!isQuiet) log().log(`${subject}: ${what}`);
    },
    warn: (text) => log().warn(text),
  };
}
