import { describe, expect, test } from "bun:test";
import { identifyProcess } from "../../../routines/_script/process-identity.ts";
import { measureUsage, parsePsFigures } from "../../../routines/native/measure-usage.ts";

describe("measureUsage", () => {
  test.skipIf(process.platform !== "linux")(
    "tells the memory of a process as the system does, whatever the size of its pages",
    async () => {
      await using child = Bun.spawn([process.execPath, "-e", "console.log('up'); setInterval(() => {}, 1000)"], { detached: true });
      for await (const _ of child.stdout) break;
      const [usage] = measureUsage([{ ...identifyProcess(child.pid), mark: "none" }]);
      const told = /VmRSS:\s+(\d+) kB/.exec(await Bun.file(`/proc/${child.pid}/status`).text())?.[1];
      const ratio = (usage?.memoryBytes ?? 0) / (Number(told) * 1024);
      expect([usage?.processes, ratio > 0.8, ratio < 1.25]).toEqual([1, true, true]);
    },
  );

  test.each([
    ["  0:01.50  2048\n", { cpuMs: 1_500, memoryBytes: 2_097_152 }],
    ["1-02:03:04 10", { cpuMs: 93_784_000, memoryBytes: 10_240 }],
    ["", { cpuMs: 0, memoryBytes: 0 }],
  ])("reads what ps prints: %j", (line, figures) => {
    expect(parsePsFigures(line)).toEqual(figures);
  });
});
