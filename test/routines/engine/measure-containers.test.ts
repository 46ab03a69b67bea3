import { expect, test } from "bun:test";
import { measureContainers } from "../../../routines/engine/measure-containers.ts";
import { containerInfo, startFakeEngine } from "./_fake-engine.ts";

const MB = 1024 * 1024;

test("measureContainers() tells of those that run what they used meanwhile, and memory without what the kernel can take back", async () => {
  let usedNs = 0;
  using fake = startFakeEngine((_, { pathname }) => {
    if (pathname === "/containers/json") return Response.json([containerInfo("a"), containerInfo("ended", { State: "exited" })]);
    usedNs += 10e6;
    return Response.json({
      cpu_stats: { cpu_usage: { total_usage: usedNs } },
      memory_stats: { usage: 100 * MB, stats: { inactive_file: 40 * MB } },
      pids_stats: { current: 3 },
    });
  });
  const [used, ...rest] = await measureContainers({ engine: fake.engine, project: "p", overMs: 20 });
  expect(rest).toEqual([]);
  expect(used).toMatchObject({ service: "a", runtime: "container", state: "running", memoryBytes: 60 * MB, processes: 3 });
  // 10 ms of work in 20 ms and a little: never more than half a core
  expect(used?.cpuPercent).toBeGreaterThan(0);
  expect(used?.cpuPercent).toBeLessThanOrEqual(50);
});

test.each([
  ["the engine says that it is not there any more", () => new Response("{}", { status: 404 }), () => new Response("{}", { status: 404 })],
  ["the engine breaks off", () => new Response(""), () => Response.json({ State: { Running: false } })],
])("measureContainers() leaves out what ends meanwhile, and tells of the others: %s", async (_, stats, inspected) => {
  let looks = 0;
  using fake = startFakeEngine((__, { pathname }) => {
    if (pathname === "/containers/json") return Response.json([containerInfo("a"), containerInfo("ending")]);
    if (pathname.includes("ending") && pathname.endsWith("/json")) return inspected();
    if (pathname.includes("ending") && ++looks > 1) return stats();
    return Response.json({ cpu_stats: { cpu_usage: { total_usage: 0 } }, memory_stats: { usage: MB }, pids_stats: { current: 1 } });
  });
  const used = await measureContainers({ engine: fake.engine, project: "p", overMs: 1 });
  expect(used.map(({ service }) => service)).toEqual(["a"]);
});

test("measureContainers() does not take an engine's failure for the end of a container", async () => {
  using fake = startFakeEngine((_, { pathname }) => {
    if (pathname === "/containers/json") return Response.json([containerInfo("a")]);
    return pathname.endsWith("/json") ? Response.json({ State: { Running: true } }) : new Response("{}", { status: 500 });
  });
  await expect(measureContainers({ engine: fake.engine, project: "p", overMs: 1 })).rejects.toThrow("Cannot use the container engine");
});

test("measureContainers() ends at once when it is interrupted, however long it would measure", async () => {
  const controller = new AbortController();
  using fake = startFakeEngine((_, { pathname }) => {
    if (pathname === "/containers/json") return Response.json([containerInfo("a")]);
    setTimeout(() => controller.abort(), 50); // once it has the answer
    return Response.json({ cpu_stats: { cpu_usage: { total_usage: 1 } }, memory_stats: {}, pids_stats: {} });
  });
  const measured = measureContainers({ engine: fake.engine, project: "p", overMs: 600_000, signal: controller.signal });
  expect(await measured.catch((error: unknown) => error)).toMatchObject({ exit: "interrupted" });
});
