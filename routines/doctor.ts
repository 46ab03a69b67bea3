#!/usr/bin/env bun
/**
 * `harbor doctor`: what stands in the way of services on this machine, why it matters, and what to do about it.
 *
 *   bun routines/doctor.ts --json engine listeners
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { EXIT, HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { endWith, runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { findHome } from "./config/find-home.ts";
import { DoctorContext } from "./doctor/context.ts";
import { CHECKS, chooseChecks } from "./doctor/list-checks.ts";
import { renderFindings } from "./doctor/render-findings.ts";
import { countStates, type Diagnosis, mendFindings, runChecks, worstState } from "./doctor/run-checks.ts";
import { showsColours } from "./stack/print-logs.ts";

/** Shown whatever they say: which engine it is, a person wants to see. */
const ALWAYS: ReadonlySet<string> = new Set(["engine", "compose"]);

/** The stable shape of `--json`. */
export interface DoctorReport {
  state: "ok" | "warning" | "failed";
  counts: { ok: number; warning: number; failed: number; skipped: number };
  findings: {
    check: string;
    group: string;
    state: Diagnosis["state"];
    what: string;
    why: string | null;
    fix: string | null;
    details: string[];
    /** Whether `--fix` would mend it. */
    isFixable: boolean;
    /** What `--fix` did. */
    fixed: string | null;
  }[];
}

export function reportOf(found: readonly Diagnosis[]): DoctorReport {
  return {
    state: worstState(found),
    counts: countStates(found),
    findings: found.map(({ check, group, state, what, why, fix, details, mend, fixed }) => ({
      check,
      group,
      state,
      what,
      why: why ?? null,
      fix: fix ?? null,
      details: [...(details ?? [])],
      isFixable: mend !== undefined,
      fixed: fixed ?? null,
    })),
  };
}

function listThem(json: boolean): void {
  const checks = CHECKS.map(({ name, group, about }) => ({ name, group, about }));
  emit(checks, { json, render: (them) => table(them.map(({ name, group, about }) => [name, group, about])).join("\n") });
}

export const command = defineCommand({
  meta: {
    name: "doctor",
    description: "Find what stands in the way on this machine, and say what to do about it",
    examples: [
      "harbor doctor                    What is not as it should be, in full",
      "harbor doctor --fix              Mend what can be mended safely, and say what was done",
      "harbor doctor engine listeners   These checks, or groups of them, alone",
      "harbor doctor --all --json       Everything, for a program",
    ],
  },
  changes: ({ fix }) => (fix === true ? "tried" : undefined),
  args: {
    checks: { type: "positional", description: "Only these checks, or groups of them; all when left out", multiple: true },
    fix: { type: "boolean", description: "Mend what can be mended safely: no other rights are asked for, no data is removed" },
    all: { type: "boolean", alias: "a", description: "Show in full what is in order as well" },
    list: { type: "boolean", description: "List the checks there are" },
    workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
    ...jsonArg,
  },
  async run({ args }) {
    if (args.list) return listThem(args.json);
    const checks = chooseChecks(args.checks);
    const { env } = process;
    using interrupt = listenForInterrupt();
    const renew = (): DoctorContext => new DoctorContext({ env, home: findHome(env), directory: args.workspace, signal: interrupt.signal });
    const context = renew();
    if (args.workspace !== undefined) context.workspace(); // a slip is told at once
    const first = await runChecks({ checks, context });
    const found = args.fix ? await mendFindings({ found: first, checks, context, renew }) : first;
    if (interrupt.signal.aborted) throw new HarborError("Cannot end the checks: interrupted", { exit: "interrupted" });
    const all = args.all || args.checks.length > 0;
    const hasColours = !args.json && showsColours(env);
    if (args.json) emit(reportOf(found), { json: true, render: String });
    else emit(found, { render: (them) => renderFindings(them, { all, hasColours, always: ALWAYS }) });
    if (worstState(found) === "failed") endWith(EXIT.failed);
  },
});

if (import.meta.main) await runScript(command);
