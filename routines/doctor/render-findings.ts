/** What was found → the lines that a person reads: a heading for each group, in long form what is not as it should be. */
import { GROUPS } from "./check.ts";
import type { State } from "./finding.ts";
import { countStates, type Diagnosis } from "./run-checks.ts";

export interface RenderOptions {
  /** What is in order as well. */
  all: boolean;
  hasColours: boolean;
  /** Checks whose finding is shown whatever it is, in short. */
  always: ReadonlySet<string>;
}

const WORDS: Readonly<Record<State, string>> = { ok: "ok", warning: "warning", failed: "FAILED", skipped: "skipped" };
const COLOURS: Readonly<Record<State, number>> = { ok: 32, warning: 33, failed: 31, skipped: 90 };
const WIDTH = Math.max(...Object.values(WORDS).map((word) => word.length));
const INDENT = " ".repeat(WIDTH + 4);

/** All of it, the sum last. */
export function renderFindings(found: readonly Diagnosis[], options: RenderOptions): string {
  const lines: string[] = [];
  for (const group of GROUPS) {
    const own = found.filter((it) => it.group === group);
    if (own.length > 0) lines.push(group, ...renderGroup(own, options));
  }
  return [...lines, "", ...renderSum(found, options)].join("\n");
}

function renderGroup(found: readonly Diagnosis[], options: RenderOptions): string[] {
  const isLong = (it: Diagnosis): boolean => options.all || it.state !== "ok" || it.fixed !== undefined || options.always.has(it.check);
  const quiet = [...new Set(found.filter((it) => !isLong(it)).map(({ check }) => check))];
  const lines = found.filter(isLong).flatMap((it) => renderFinding(it, options));
  return quiet.length === 0 ? lines : [...lines, `  ${word("ok", options)}  ${quiet.join(", ")}`];
}

function renderFinding(finding: Diagnosis, options: RenderOptions): string[] {
  const { state, check, what, why, fix, fixed, details = [], mend } = finding;
  const isShort = state === "ok" && !options.all;
  return [
    `  ${word(state, options)}  ${check}: ${what}`,
    ...(isShort ? [] : details.map((it) => `${INDENT}  ${it}`)),
    ...(why === undefined ? [] : [`${INDENT}why: ${why}`]),
    ...(fix === undefined ? [] : [`${INDENT}fix: ${fix}${mend === undefined ? "" : " (`harbor doctor --fix` does it)"}`]),
    ...(fixed === undefined ? [] : [`${INDENT}fixed: ${fixed}`]),
  ];
}

function renderSum(found: readonly Diagnosis[], { all }: RenderOptions): string[] {
  const counts = countStates(found);
  const parts = (["ok", "warning", "failed", "skipped"] as const).filter((state) => state === "ok" || counts[state] > 0);
  const sum = parts.map((state) => `${counts[state]} ${state === "warning" && counts[state] > 1 ? "warnings" : state}`).join(", ");
  return [all ? sum : `${sum}; \`harbor doctor --all\` shows all of them`];
}

function word(state: State, { hasColours }: RenderOptions): string {
  const text = WORDS[state].padEnd(WIDTH);
  return hasColours ? `\x1b[${COLOURS[state]}m${text}\x1b[0m` : text;
}
