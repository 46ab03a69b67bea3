/** Times whole processes, the compared ones in turn (A B A B …), so that a busy moment meets both. */

/** One command to time. */
export interface Sample {
  label: string;
  command: readonly string[];
  cwd?: string;
  env?: Record<string, string>;
  /** Exit codes that count as done; 0 alone when left out. */
  accepts?: readonly number[];
}

export interface Timing {
  label: string;
  /** Milliseconds, one per run, in order. */
  times: number[];
  medianMs: number;
}

/** Runs each once unmeasured, then `runs` times in turn. Throws when a command fails: its time means nothing. */
export function measure(samples: readonly Sample[], runs: number, options: { warmUp?: boolean } = {}): Timing[] {
  const times = samples.map((): number[] => []);
  if (options.warmUp !== false) for (const sample of samples) timeOnce(sample);
  for (let run = 0; run < runs; run++) {
    for (const [index, sample] of samples.entries()) times[index]?.push(timeOnce(sample));
  }
  return samples.map((sample, index) => ({ label: sample.label, times: times[index] ?? [], medianMs: median(times[index] ?? []) }));
}

function timeOnce(sample: Sample): number {
  const before = process.hrtime.bigint();
  const result = Bun.spawnSync([...sample.command], {
    ...(sample.cwd === undefined ? {} : { cwd: sample.cwd }),
    env: { ...process.env, ...sample.env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const elapsed = Number(process.hrtime.bigint() - before) / 1e6;
  if (!(sample.accepts ?? [0]).includes(result.exitCode)) {
    throw new Error(
      `"${sample.label}" ended with ${result.exitCode}: ${result.stderr.toString().trim().split("\n").slice(0, 3).join(" / ")}`,
    );
  }
  return elapsed;
}

/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}
