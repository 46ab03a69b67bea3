/** A conductor with 100 000 components: what each takes, and how soon a death is noticed. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { residentBytes, runLoad, type Started, startConductor } from "./_conductor.ts";
import type { FigureContext, Gauge, Reading } from "./_figure.ts";

const LOAD = new URL("./_conductor-load.ts", import.meta.url).pathname;
const HEAP = new URL("./_conductor-heap.ts", import.meta.url).pathname;
const COUNT = 100_000;
/** What has run once is compiled, and has its memory. */
const WARM_UP = 5_000;
const SETTLE_MS = 10_000;
const VICTIMS = 100;
const INTERVAL_S = 5;

/**
 * What is alive in its heap after a collection, since it had the first few, each with a beat and two metrics. The process's resident
 * memory is beside it: that has what waits to be collected as well, which is as much again, and the store's.
 */
async function readMemory(context: FigureContext, setting: AsyncDisposableStack): Promise<Reading> {
  // as it is set up by itself: what it keeps of how often each asks counts as well
  const conductor = await startConductor(context, setting, { HARBOR_CONDUCTOR_RATE: "" }, HEAP);
  const before = await measureMemory(conductor, WARM_UP);
  const after = await measureMemory(conductor, COUNT);
  const each = (grown: number): number => grown / (COUNT - WARM_UP);
  return {
    value: each(after.heap - before.heap),
    beside: { "resident bytes each": each(after.resident - before.resident), "resident MB in all": after.resident / 1e6 },
  };
}

async function measureMemory({ port, pid, folder }: Started, count: number): Promise<{ heap: number; resident: number }> {
  await runLoad(LOAD, "fill-registry", port, count);
  await Bun.sleep(SETTLE_MS);
  const resident = residentBytes(pid);
  const file = join(folder, "heap");
  rmSync(file, { force: true });
  process.kill(pid, "SIGUSR2");
  while (!existsSync(file)) await Bun.sleep(20);
  return { heap: Number(readFileSync(file, "utf8")), resident };
}

async function readDeaths(context: FigureContext, setting: AsyncDisposableStack): Promise<Reading> {
  const { port } = await startConductor(context, setting);
  const {
    untold,
    wronglyTold,
    latestMs = Number.NaN,
    medianMs = Number.NaN,
  } = await runLoad(LOAD, "deaths", port, COUNT, VICTIMS, INTERVAL_S);
  if (untold !== 0 || wronglyTold !== 0) throw new Error(`${untold} of ${VICTIMS} deaths were not told, and ${wronglyTold} of the living`);
  return { value: latestMs, beside: { "median ms": medianMs } };
}

export const figures: Gauge[] = [
  {
    name: "conductor-memory",
    title: `conductor: bytes of heap a component, ${COUNT} of them`,
    unit: "B",
    bound: { most: 1_000 },
    runs: 3,
    read: readMemory,
  },
  {
    name: "conductor-deaths",
    title: `conductor: ms after its interval until a death is told, the latest of ${VICTIMS} among ${COUNT}`,
    unit: "ms",
    bound: { most: 500 },
    runs: 3,
    read: readDeaths,
  },
];
