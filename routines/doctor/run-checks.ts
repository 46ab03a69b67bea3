/** Runs checks at the same time, each for a bounded time, and mends what can be mended. */
import { HarborError } from "../_script/error.ts";
import type { Check, Group } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { type Finding, type State, skipped } from "./finding.ts";

/** A finding with whose it is. */
export interface Diagnosis extends Finding {
  check: string;
  group: Group;
  /** What `--fix` did about it. */
  fixed?: string;
}

export interface RunChecksOptions {
  checks: readonly Check[];
  context: DoctorContext;
  timeoutMs?: number;
}

/** Longer than any check waits for somebody who does answer. */
const TIMEOUT_MS = 5_000;

/** In the order of the checks. Never throws for what a check meets. */
export async function runChecks({ checks, context, timeoutMs = TIMEOUT_MS }: RunChecksOptions): Promise<Diagnosis[]> {
  const found = await Promise.all(checks.map((check) => runCheck(check, context, timeoutMs)));
  return found.flat();
}

async function runCheck(check: Check, context: DoctorContext, timeoutMs: number): Promise<Diagnosis[]> {
  const { name, group } = check;
  const late = Promise.withResolvers<Finding>();
  const timer = setTimeout(() => late.resolve(skipped(`gave no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  try {
    const found = await Promise.race([answerOf(check, context), late.promise]);
    return [found].flat().map((finding) => ({ check: name, group, ...finding }));
  } finally {
    clearTimeout(timer);
  }
}

async function answerOf(check: Check, context: DoctorContext): Promise<Finding | Finding[]> {
  try {
    return await check.run(context);
  } catch (error) {
    if (error instanceof HarborError) return skipped(`cannot be looked at: ${error.message}`);
    const why = "It says nothing of your machine: this is a bug in Harbor";
    return { state: "warning", what: `the check itself broke: ${(error as Error).message}`, why, fix: "Report it" };
  }
}

export interface MendOptions extends RunChecksOptions {
  found: readonly Diagnosis[];
  /** A context for the look afterwards: what was read before is old. */
  renew: () => DoctorContext;
}

/** Mends one after the other, then looks again at the checks of what was mended. */
export async function mendFindings({ found, checks, renew, ...options }: MendOptions): Promise<Diagnosis[]> {
  const done: Diagnosis[] = [];
  const broken = new Map<string, string>();
  for (const finding of found) {
    if (finding.mend === undefined) continue;
    try {
      const { why: _, fix: __, mend: ___, details: ____, ...rest } = finding;
      done.push({ ...rest, state: "ok", fixed: await finding.mend() });
    } catch (error) {
      broken.set(finding.what, (error as Error).message);
    }
  }
  if (done.length + broken.size === 0) return [...found];
  const mended = new Set(found.filter((it) => it.mend !== undefined).map(({ check }) => check));
  const again = await runChecks({ ...options, checks: checks.filter(({ name }) => mended.has(name)), context: renew() });
  const told = again.map((it) => withProblem(it, broken.get(it.what)));
  // that a check finds nothing more is said by what was done
  const left = told.filter((it) => it.state !== "ok" || !done.some(({ check }) => check === it.check));
  return checks.flatMap(({ name }) => [mended.has(name) ? [...done, ...left] : found].flat().filter(({ check }) => check === name));
}

function withProblem(finding: Diagnosis, problem: string | undefined): Diagnosis {
  return problem === undefined ? finding : { ...finding, details: [...(finding.details ?? []), `It could not be mended: ${problem}`] };
}

const RANKS: readonly State[] = ["failed", "warning", "skipped", "ok"];

/** How many there are of each state. */
export function countStates(found: readonly Finding[]): Record<State, number> {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  for (const { state } of found) counts[state]++;
  return counts;
}

/** The worst that was found; a check that was left out is not worse than a good one. */
export function worstState(found: readonly Finding[]): Exclude<State, "skipped"> {
  const worst = RANKS.find((state) => found.some((it) => it.state === state));
  return worst === "failed" || worst === "warning" ? worst : "ok";
}
