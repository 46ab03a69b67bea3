/** The numbers that the conductor promises at 100 000 components, in a process of their own. */
import { expect, test } from "bun:test";
import { resultOf } from "../../../_process.ts";

test("100 000 components cost at most 1 kB each, and a death is noticed within its interval and half a second", async () => {
  const child = Bun.spawn([process.execPath, Bun.fileURLToPath(import.meta.resolve("./_many.ts")), "100000"], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const { exit, stdout, stderr } = await resultOf(child);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  const { bytes, lateMs } = JSON.parse(stdout);
  expect(bytes).toBeLessThanOrEqual(1_024);
  expect(lateMs).toBeLessThanOrEqual(500);
}, 60_000);
