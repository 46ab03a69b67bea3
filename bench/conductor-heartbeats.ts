/** Heartbeats a second, against a Consul's updates of TTL checks: the same client, the same number of connections, in turn. */
import { runLoad, startConductor } from "./_conductor.ts";
import type { FigureContext, Gauge, Reading } from "./_figure.ts";
import { startConsul } from "./_peers.ts";

const LOAD = new URL("./_conductor-load.ts", import.meta.url).pathname;

async function read(context: FigureContext, setting: AsyncDisposableStack): Promise<Reading | string> {
  const consul = await startConsul(context, setting);
  if (typeof consul === "string") return consul;
  const { port } = await startConductor(context, setting);
  const { ours = Number.NaN, theirs = Number.NaN } = await runLoad(LOAD, "beats", port, consul);
  return { value: ours / theirs, beside: { "beats/s": ours, "Consul's": theirs } };
}

export const figures: Gauge[] = [
  {
    name: "conductor-heartbeats",
    title: "conductor: heartbeats/s over HTTP / Consul's TTL updates",
    unit: "",
    bound: { least: 3 },
    runs: 5,
    read,
  },
];
