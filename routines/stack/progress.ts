/** What a person hears on stderr while a stack starts or stops; nothing of it with `--json`. */
import { isQuiet, log } from "../_script/log.ts";

export interface Progress {
  say(subject: string, what: string): void;
  warn(text: string): void;
  /** How compose's own progress is shown. */
  readonly isQuiet: boolean;
}

/** How often a line that differs from the one before in its numbers alone is said: a download counts up for minutes. */
const COUNTING_MS = 5_000;

/** What services say of themselves while somebody waits for them: each new thing at once, a thing that counts now and then. */
export class StatusProgress {
  readonly #progress: Progress;
  readonly #latest = new Map<string, { status: string; saidMs: number }>();

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  /** Its latest words, whether they are new or not. */
  say(handle: string, status: string): void {
    const latest = this.#latest.get(handle);
    if (status === "" || status === latest?.status) return;
    const nowMs = performance.now();
    if (latest !== undefined && nowMs - latest.saidMs < COUNTING_MS && withoutNumbers(status) === withoutNumbers(latest.status)) return;
    this.#latest.set(handle, { status, saidMs: nowMs });
    this.#progress.say(handle, status);
  }
}

function withoutNumbers(text: string): string {
  return text.replace(/\d[\d.,]*/g, "0");
}

/** Warnings only with `--json`, as with `--quiet`. */
export function createProgress(isJson: boolean): Progress {
  return {
    isQuiet: isJson || isQuiet(),
    say: (subject, what) => {
      if (!isJson) log().log(`${subject}: ${what}`);
    },
    warn: (text) => log().warn(text),
  };
}
