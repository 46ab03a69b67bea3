/** A conductor with 100 000 components: what each takes, and how soon a death is noticed. */
import { residentBytes, runLoad, startConductor } from "./_conductor.ts";
import type { FigureContext, Gauge, Reading } from "./_figure.ts";

const LOAD = new URL("./_conductor-load.ts", import.meta.url).pathname;
const COUNT = 100_000;
/** What has run once is compiled, and has its memory. */
const WARM_UP = 5_000;
const SETTLE_MS = 10_000;
const VICTIMS = 100;
const INTERVAL_S = 5;

/** Of the whole process, resident: what it has grown by since it had the first few, each with a beat and two metrics. */
async function readMemory(context: FigureContext, setting: AsyncDisposableStack): Promise<Reading> {
  // as it is set up by itself: what it keeps of how often each asks counts as well
  const { port, pid } = await startConductor(context, setting, { HARBOR_CONDUCTOR_RATE: "" });
  await runLoad(LOAD, "fill-registry", port, WARM_UP);
  await Bun.sleep(SETTLE_MS);
  const before = residentBytes(pid);
  const { registrationsPerSecond = Number.NaN } = await runLoad(LOAD, "fill-registry", port, COUNT);
  await Bun.sleep(SETTLE_MS);
  const after = residentBytes(pid);
  return {
    value: (after - before) / (COUNT - WARM_UP),
    beside: { "MB with all": after / 1e6, [`MB with ${WARM_UP}`]: before / 1e6, "registrations/s": registrationsPerSecond },
  };
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
    title: `conductor: resident bytes a component, ${COUNT} of them`,
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
