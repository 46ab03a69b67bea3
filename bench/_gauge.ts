/** Figures that read a number themselves: what a running server does under a load that a process of its own makes. */
import { loadavg } from "node:os";
import type { Bound, FigureContext, Gauge, Reading } from "./_figure.ts";
import { median } from "./_measure.ts";

export interface Read {
  name: string;
  title: string;
  unit: string;
  bound: Bound | null;
  /** Of the runs; null when it could not be measured. */
  median: number | null;
  min: number | null;
  max: number | null;
  runs: number;
  holds: boolean | null;
  /** What was measured beside it, the medians. */
  beside: Record<string, number>;
  /** Of the last minute, before each run: what else the machine had to do. */
  load: number[];
  /** Why it could not be measured. */
  absent?: string;
}

export async function readGauge(gauge: Gauge, context: FigureContext, runs: number): Promise<Read> {
  const { name, title, unit, bound } = gauge;
  const nothing: Read = { name, title, unit, bound, median: null, min: null, max: null, runs, holds: null, beside: {}, load: [] };
  const readings: Reading[] = [];
  const load: number[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      load.push(round(loadavg()[0] ?? 0));
      const reading = await readOnce(gauge, context);
      if (typeof reading === "string") return { ...nothing, absent: reading };
      readings.push(reading);
    }
  } catch (error) {
    return { ...nothing, load, absent: (error as Error).message };
  }
  const values = readings.map(({ value }) => value);
  const middle = median(values);
  return {
    ...nothing,
    median: round(middle),
    min: round(Math.min(...values)),
    max: round(Math.max(...values)),
    holds: bound === null ? null : "most" in bound ? middle <= bound.most : middle >= bound.least,
    beside: middlesOf(readings),
    load,
  };
}

/** All that was started for it has ended when it is read. */
async function readOnce(gauge: Gauge, context: FigureContext): Promise<Reading | string> {
  await using setting = new AsyncDisposableStack();
  return await gauge.read(context, setting);
}

function middlesOf(readings: readonly Reading[]): Record<string, number> {
  const names = Object.keys(readings[0]?.beside ?? {});
  return Object.fromEntries(names.map((name) => [name, round(median(readings.map(({ beside }) => beside?.[name] ?? Number.NaN)))]));
}

export function round(value: number): number {
  return Number(value.toPrecision(3));
}
