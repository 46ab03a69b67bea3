#!/usr/bin/env bun
/**
 * Harbor's numbers: ratios of whole processes measured in one run, and what servers do under load.
 *
 *   bun run bench [--only NAME[,NAME…]] [--runs N] [--json] [--list]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defineCommand, jsonArg } from "../routines/_script/command.ts";
import { emit } from "../routines/_script/emit.ts";
import { HarborError } from "../routines/_script/error.ts";
import { nearest } from "../routines/_script/nearest.ts";
import { runScript } from "../routines/_script/script.ts";
import { table } from "../routines/_script/table.ts";
import type { Figure, FigureContext, Gauge } from "./_figure.ts";
import { type Read, readGauge, round } from "./_gauge.ts";
import { measure, type Timing } from "./_measure.ts";
import { figures as ask } from "./ask.ts";
import { figures as conductorEvents } from "./conductor-events.ts";
import { figures as conductorHeartbeats } from "./conductor-heartbeats.ts";
import { figures as conductorQueue } from "./conductor-queue.ts";
import { figures as conductorRouting } from "./conductor-routing.ts";
import { figures as conductorSize } from "./conductor-size.ts";
import { figures as linear } from "./linear-cost.ts";
import { figures as merge } from "./merge-against-compose.ts";
import { figures as start } from "./plan-start.ts";
import { figures as reading } from "./reading-verbs.ts";
import { figures as running } from "./up-running.ts";

interface Measured {
  name: string;
  title: string;
  limit: number;
  /** Subject / floor: of the medians, and the extremes of the single runs; null when it could not be measured. */
  ratio: number | null;
  min: number | null;
  max: number | null;
  subjectMs: number | null;
  floorMs: number | null;
  runs: number;
  holds: boolean | null;
  /** Why it could not be measured. */
  absent?: string;
}

const figures: readonly (Figure | Gauge)[] = [
  ...[...start, ...reading, ...ask, ...merge, ...running, ...linear],
  ...[...conductorHeartbeats, ...conductorSize, ...conductorEvents, ...conductorQueue, ...conductorRouting],
];

async function measureFigure(figure: Figure, context: FigureContext, runs: number): Promise<Measured> {
  const { name, title, limit } = figure;
  const nothing = { name, title, limit, ratio: null, min: null, max: null, subjectMs: null, floorMs: null, runs, holds: null };
  let cleanUp: (() => void) | undefined;
  try {
    const comparison = await figure.prepare(context);
    if (typeof comparison === "string") return { ...nothing, absent: comparison };
    cleanUp = comparison.cleanUp;
    const floors = "label" in comparison.floor ? [{ sample: comparison.floor, times: 1 }] : comparison.floor;
    const samples = [comparison.subject, ...floors.map(({ sample }) => sample)];
    const [subject, ...measured] = measure(samples, runs, figure.warmUp === false ? { warmUp: false } : {});
    if (subject === undefined) return nothing;
    const sum = (timeOf: (timing: Timing) => number | undefined): number =>
      measured.reduce((total, timing, index) => total + (timeOf(timing) ?? Number.NaN) * (floors[index]?.times ?? 1), 0);
    const ratios = subject.times.map((time, run) => time / sum(({ times }) => times[run]));
    const floorMs = sum(({ medianMs }) => medianMs);
    const ratio = subject.medianMs / floorMs;
    const times = { subjectMs: round(subject.medianMs), floorMs: round(floorMs) };
    return {
      ...nothing,
      ...times,
      ratio: round(ratio),
      min: round(Math.min(...ratios)),
      max: round(Math.max(...ratios)),
      holds: ratio <= limit,
    };
  } catch (error) {
    return { ...nothing, absent: (error as Error).message };
  } finally {
    cleanUp?.();
  }
}

function render(results: readonly (Measured | Read)[]): string {
  const rows = results.map((it) => ("ratio" in it ? showMeasured(it) : showRead(it)));
  return table([["", "figure", "limit", "measured", "min..max", "medians"], ...rows]).join("\n");
}

function showMeasured(it: Measured): string[] {
  return [
    it.holds === null ? "?" : it.holds ? "ok" : "OVER THE LIMIT",
    it.title,
    `<= ${round(it.limit)}`,
    it.ratio === null ? "not measured" : String(it.ratio),
    it.ratio === null ? "" : `${it.min}..${it.max}`,
    it.ratio === null ? (it.absent ?? "") : `${it.subjectMs} / ${it.floorMs} ms`,
  ];
}

function showRead(it: Read): string[] {
  const limit = it.bound === null ? "" : "most" in it.bound ? `<= ${it.bound.most}` : `>= ${it.bound.least}`;
  if (it.median === null) return ["?", it.title, limit, "not measured", "", it.absent ?? ""];
  const beside = Object.entries(it.beside).map(([name, value]) => `${name} ${value}`);
  return [
    it.holds === null ? "" : it.holds ? "ok" : "MISSES THE LIMIT",
    it.title,
    limit,
    `${it.median} ${it.unit}`.trim(),
    `${it.min}..${it.max}`,
    [...beside, `load ${it.load.join(" ")}`].join(", "),
  ];
}

/** Those that are named; the last letters of a name may be a star. */
function choose(only: readonly string[]): readonly (Figure | Gauge)[] {
  const names = figures.map((figure) => figure.name);
  const isMeant = (pattern: string, name: string): boolean =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  for (const name of only) {
    if (names.some((known) => isMeant(name, known))) continue;
    const guess = nearest(name, names);
    const hint = guess === undefined ? `The figures: ${names.join(", ")}` : `Did you mean "${guess}"?`;
    throw new HarborError(`Cannot measure "${name}": there is no such figure`, { exit: "unknown", hint });
  }
  return only.length === 0 ? figures : figures.filter((figure) => only.some((pattern) => isMeant(pattern, figure.name)));
}

const command = defineCommand({
  meta: {
    name: "bench",
    description: "Measure Harbor's numbers",
    examples: ["bun run bench", "bun run bench --only plan-checkout --runs 100", "bun run bench --only 'conductor-*'"],
  },
  args: {
    ...jsonArg,
    only: { type: "string", description: "Measure this figure alone", valueHint: "NAME", multiple: true },
    runs: { type: "string", description: "Runs of each side, instead of each figure's own number", valueHint: "N" },
    list: { type: "boolean", description: "List the figures' names" },
  },
  async run({ args }) {
    const chosen = choose(args.only);
    if (args.list)
      return emit(
        chosen.map(({ name }) => name),
        { json: args.json, render: (names) => names.join("\n") },
      );
    const runs = args.runs === undefined ? undefined : Number(args.runs);
    if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) {
      throw new HarborError(`Cannot measure "${args.runs}" times: --runs takes a whole number`, { exit: "usage" });
    }
    const scratch = mkdtempSync(join(tmpdir(), "harbor-bench-"));
    try {
      const context = { root: resolve(import.meta.dir, ".."), scratch };
      const results: (Measured | Read)[] = [];
      for (const figure of chosen) {
        const times = runs ?? figure.runs;
        results.push("read" in figure ? await readGauge(figure, context, times) : await measureFigure(figure, context, times));
      }
      emit(results, { json: args.json, render });
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  },
});

if (import.meta.main) await runScript(command);
