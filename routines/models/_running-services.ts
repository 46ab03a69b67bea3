/**
 * Which services answer right now, and where: by what the last `up` recorded, without the engine. One that sleeps is left asleep, for
 * a connection would wake it.
 */
import type { Env } from "../config/read-values.ts";
import { readStack, type StackRecord } from "../stack/read-stack.ts";
import { whatRuns } from "../stack/what-runs.ts";
import { findRunning } from "../supervisor/connect-supervisor.ts";

export interface RunningService {
  handle: string;
  /** Without a path. */
  url: string;
  isAsleep: boolean;
}

/** Those of the handles that were started and have a URL, by handle. Whether they answer is seen when they are asked. */
export async function findRunningServices(home: string, env: Env, handles: readonly string[]): Promise<Map<string, RunningService>> {
  const record = readStack(home);
  const up = (whatRuns(record)?.services ?? []).filter((handle) => handles.includes(handle));
  if (record === undefined || up.length === 0) return new Map();
  const asleep = await findSleepers(record, home, env);
  return new Map(
    up.flatMap((handle) => {
      const url = record.planned.find((planned) => planned.handle === handle)?.urls[0];
      return url === undefined ? [] : [[handle, { handle, url: url.replace(/\/+$/, ""), isAsleep: asleep.has(handle) }] as const];
    }),
  );
}

/** Where no supervisor runs, nobody listens for them either. */
async function findSleepers(record: StackRecord, home: string, env: Env): Promise<Set<string>> {
  if (record.natives.length === 0) return new Set();
  const services = (await findRunning({ home, env })?.services()) ?? [];
  return new Set(services.filter(({ isAsleep }) => isAsleep).map(({ handle }) => handle));
}
