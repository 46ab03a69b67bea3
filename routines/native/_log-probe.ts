/** Readiness by the log: whether a line is the one that a contract waits for. */
import { HarborError } from "../_script/error.ts";
import type { ProbeQuestion } from "./_types.ts";

/** Of one line: more of it does not help to recognise it, and a pattern may be slow. */
const LINE_LENGTH = 16 * 1024;

/** For lines as the program wrote them: colours are taken out first. Throws for a pattern that is none. */
export function compileLogProbe({ log }: Pick<ProbeQuestion, "log">): (line: string) => boolean {
  if (log === undefined) return () => false;
  let pattern: RegExp;
  try {
    pattern = new RegExp(log);
  } catch (cause) {
    throw new HarborError(`Cannot read the pattern "${log}" for the log: ${(cause as Error).message}`, { cause });
  }
  return (line) => pattern.test(Bun.stripANSI(line.slice(0, LINE_LENGTH)).trimEnd());
}
