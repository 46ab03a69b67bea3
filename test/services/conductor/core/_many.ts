/**
 * Run by itself: knows many components that beat all the time, some of which stop; prints what one costs in memory, what a beat costs,
 * and when the last of those that stopped was noticed, after its beat was due.
 */
import { systemClock } from "../../../../services/conductor/core/clock.ts";
import { LateDocuments } from "../../../../services/conductor/core/late-documents.ts";
import { Monitor } from "../../../../services/conductor/core/monitor.ts";
import { RaisedAlerts } from "../../../../services/conductor/core/raised-alerts.ts";
import { type Component, Registry } from "../../../../services/conductor/core/registry.ts";
import type { Documents } from "../../../../services/conductor/store/store.ts";

const COUNT = Number(process.argv[2] ?? 100_000);
const DYING = 1_000;
const INTERVAL_MS = { dying: 1_000, others: 30_000 };
/** Of the others, each 10 ms: all of them in 10 s. */
const BEATS = Math.ceil(COUNT / 1_000);

const documents: Documents = { get: async () => undefined, put: async () => {}, delete: async () => true, list: async () => [] };
const registry = new Registry(documents, systemClock);
const noticedAt = new Map<string, number>();
const monitor = new Monitor({
  registry,
  clock: systemClock,
  raised: new RaisedAlerts(new LateDocuments(documents, (problem) => process.stderr.write(problem))),
  announce: (events) => {
    for (const { type, data } of events) {
      const { component_id: id, missed } = data as { component_id: string; missed?: number };
      if (type === "component-missed-heartbeat" && missed === 1) noticedAt.set(id, performance.now());
    }
  },
  forget: (component) => registry.remove(component),
});

/** As it is parsed out of a request. */
async function register(index: number): Promise<Component> {
  const text = JSON.stringify({
    name: `component-${index}`,
    version: "1.12.3",
    host: "127.0.0.1",
    port: 4_001,
    capabilities: ["search", "analysis"],
    healthCheck: "/health",
  });
  const terms = {
    intervalMs: index < DYING ? INTERVAL_MS.dying : INTERVAL_MS.others,
    leaseMs: 3_600_000,
    doesBeat: true,
    isOfStack: false,
    isOneOfMany: false,
    id: undefined,
  };
  return (await registry.register({ ...JSON.parse(text), ...terms })).component;
}

/** Memory that the process holds once what was only passing through is given back. */
async function rss(): Promise<number> {
  for (let round = 0; round < 2; round++) {
    Bun.gc(true);
    await Bun.sleep(500);
  }
  return process.memoryUsage().rss;
}

for (let index = 0; index < 1_000; index++) registry.remove(await register(index));
const before = await rss();
const components: Component[] = [];
for (let index = 0; index < COUNT; index++) {
  const component = await register(index);
  monitor.watch(component, "known");
  component.metrics = JSON.parse('{"cpu_percent":12.5,"active_requests":3,"errors":0}');
  components.push(component);
}
const bytes = ((await rss()) - before) / COUNT;

monitor.start();
const lastBeat = new Map<string, number>();
for (const component of components.slice(0, DYING)) {
  monitor.apply(component, { kind: "beat", reported: "healthy" });
  lastBeat.set(component.id, performance.now());
}
let beats = 0;
let beatMs = 0;
while (noticedAt.size < DYING) {
  const start = performance.now();
  for (let count = 0; count < BEATS; count++, beats++) {
    const component = components[DYING + (beats % (COUNT - DYING))];
    if (component !== undefined) monitor.apply(component, { kind: "beat", reported: "healthy" });
  }
  beatMs += performance.now() - start;
  await Bun.sleep(10);
}
monitor.stop();
const late = [...noticedAt].map(([id, at]) => at - (lastBeat.get(id) ?? 0) - INTERVAL_MS.dying);
const figures = { bytes: Math.round(bytes), beatUs: (beatMs * 1_000) / beats, lateMs: Math.round(Math.max(...late)) };
process.stdout.write(`${JSON.stringify(figures)}\n`);
process.exit();
