/** What a figure is: a time and what it is measured against, or a number that is read; and its limit. */
import type { Sample } from "./_measure.ts";

export interface FigureContext {
  /** The checkout. */
  root: string;
  /** A folder of this benchmark's own, removed at its end. */
  scratch: string;
}

/** A sample, and how often its time counts in a sum. */
export interface Weighted {
  sample: Sample;
  times: number;
}

export interface Comparison {
  subject: Sample;
  /** One thing, or the sum of several. */
  floor: Sample | readonly Weighted[];
  /** Runs after the measurement, whatever its end. */
  cleanUp?: () => void;
}

export interface Figure {
  name: string;
  /** In a person's words, as the table shows it. */
  title: string;
  /** The greatest ratio subject / floor. */
  limit: number;
  /** Runs of each side when nothing is asked for. */
  runs: number;
  /** Left out where the floor takes minutes: one unmeasured run would double that. */
  warmUp?: false;
  /** What it needs, made ready; a sentence where that cannot be had here. */
  prepare(context: FigureContext): Promise<Comparison | string>;
}

export type Bound = { readonly least: number } | { readonly most: number };

export interface Reading {
  value: number;
  /** What it was computed from, or what a peer comes to in the same run. */
  beside?: Record<string, number>;
}

/** What the time of a process does not say: a number under load, of a server that runs. */
export interface Gauge {
  name: string;
  title: string;
  unit: string;
  /** Null where nothing is promised. */
  bound: Bound | null;
  runs: number;
  /** One run, from the start of its servers on; these end with `setting`. A sentence where something it needs cannot be had here. */
  read(context: FigureContext, setting: AsyncDisposableStack): Promise<Reading | string>;
}

/** The shortest start of the runtime itself. */
export const emptyStart: Sample = { label: "bun -e 0", command: [process.execPath, "-e", "0"] };

/** Harbor's own folders out of the way of the person's. */
export function ownHome(context: FigureContext): Record<string, string> {
  return { HARBOR_HOME: `${context.scratch}/home`, HARBOR_CAPABILITIES_AUTODETECT: "false" };
}
