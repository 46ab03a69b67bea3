import { expect, test } from "bun:test";
import { writeOpenMetrics } from "../../../../services/conductor/api/open-metrics.ts";
import { useServers } from "../_server.ts";

const start = useServers();
const TERMS = {
  ...{ version: "", host: "127.0.0.1", port: 4_001, capabilities: [], healthCheck: null, intervalMs: 30_000, leaseMs: 60_000 },
  ...{ doesBeat: true, isOfStack: false, isOneOfMany: false, id: undefined },
};

test("many are written in parts, between which others have their turn, and who left is left out", async () => {
  const { conductor } = await start();
  const names = Array.from({ length: 2_100 }, (_, index) => `hub${index}`);
  await Promise.all(names.map((name) => conductor.register({ ...TERMS, name })));
  let isWritten = false;
  const writing = writeOpenMetrics(conductor, () => true).then((text) => {
    isWritten = true;
    return text;
  });
  conductor.monitor.apply(conductor.registry.expect("hub2099-001"), { kind: "leave" });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isWritten).toBe(false);
  const lines = (await writing).split("\n");
  expect(lines.slice(-2)).toEqual(["# EOF", ""]);
  // each family in one piece
  const families = lines.filter((line) => line.startsWith("harbor_")).map((line) => line.split(/[{ ]/)[0]);
  expect(families.filter((family, index) => family !== families[index - 1])).toEqual([
    "harbor_component_up",
    "harbor_component_missed_heartbeats",
    "harbor_component_requests_total",
    "harbor_component_errors_total",
    "harbor_alerts_firing",
  ]);
  expect(lines.filter((line) => line.startsWith("harbor_component_errors_total"))).toHaveLength(2_099);
});

test("labels are escaped", async () => {
  const server = await start();
  const hub = await server.register("hub");
  await server.beat(hub, { metrics: { 'a"b\\c\nd': 1e21 } });
  const text = await writeOpenMetrics(server.conductor, () => true);
  expect(text).toContain(String.raw`harbor_component_reported{component_id="hub-001",component="hub",metric="a\"b\\c\nd"} 1e+21`);
});
