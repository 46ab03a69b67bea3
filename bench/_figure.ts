/** What a figure is: something to measure, something to measure it against, and a limit to the ratio. */
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

/** The shortest start of the runtime itself. */
export const emptyStart: Sample = { label: "bun -e 0", command: [process.execPath, "-e", "0"] };

/** Harbor's own folders out of the way of the person's. */
export function ownHome(context: FigureContext): Record<string, string> {
  return { HARBOR_HOME: `${context.scratch}/home`, HARBOR_CAPABILITIES_AUTODETECT: "false" };
}
