/** One event to 5 000 who listen: how long until they have it, none lost, none out of order. NATS beside it, which keeps nothing. */
import { runLoad, startConductor } from "./_conductor.ts";
import type { FigureContext, Gauge, Reading } from "./_figure.ts";
import { startNats } from "./_peers.ts";

const LOAD = new URL("./_fan-out-load.ts", import.meta.url).pathname;
const LISTENERS = 5_000;

async function read(context: FigureContext, setting: AsyncDisposableStack): Promise<Reading | string> {
  const { port } = await startConductor(context, setting);
  const ours = await runLoad(LOAD, "conductor", port, LISTENERS);
  if (ours.lost !== 0 || ours.disordered !== 0) throw new Error(`${ours.lost} were lost, ${ours.disordered} out of order`);
  const nats = await startNats(context, setting);
  const theirs = typeof nats === "string" ? {} : await runLoad(LOAD, "nats", nats, LISTENERS);
  const beside = { p50: ours.p50Ms, slowest: ours.slowestMs, "NATS p50": theirs.p50Ms, "NATS p99": theirs.p99Ms };
  return {
    value: ours.p99Ms ?? Number.NaN,
    beside: Object.fromEntries(Object.entries(beside).map(([name, ms = Number.NaN]) => [name, ms])),
  };
}

export const figures: Gauge[] = [
  {
    name: "conductor-events",
    title: `conductor: ms until an event is with ${LISTENERS} listeners, p99 of 50 events, 5 a second`,
    unit: "ms",
    bound: { most: 250 },
    runs: 3,
    read,
  },
];
