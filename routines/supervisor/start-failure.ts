/** A service that did not start → the error that says so: why, what it wrote last, and what to do. */
import { HarborError } from "../_script/error.ts";
import { recordPaths } from "../native/process-record.ts";
import { lastLines } from "../native/read-log.ts";
import type { ServiceReport } from "./report.ts";

const LOG_LINES = 20;
const LOG_CHARS = 64 * 1024;

export async function startFailure(report: ServiceReport, stateDirectory: string): Promise<HarborError> {
  const { handle, why, problem, isLate, logRun } = report;
  if (problem !== undefined) {
    const { message, exit, details, hint } = problem;
    return new HarborError(message, { exit, details, ...(hint === undefined ? {} : { hint }) });
  }
  const { folder } = recordPaths(stateDirectory, handle);
  const details = logRun === null ? [] : await lastLines({ folder, lines: LOG_LINES, run: logRun, maxChars: LOG_CHARS });
  return new HarborError(`Cannot start "${handle}": ${why}`, {
    exit: isLate ? "timeout" : "failed",
    details,
    hint: hintOf(report, details),
  });
}

function hintOf({ handle, why }: ServiceReport, lines: readonly string[]): string {
  if (why.includes("exit code 0")) return "It may have gone to the background; a native service must stay in the foreground";
  return lines.length === 0 ? "It wrote nothing to its log" : `The whole log: harbor logs ${handle}`;
}
