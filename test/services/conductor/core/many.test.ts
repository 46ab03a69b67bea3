/**
 * 100 000 components, in a process of their own: that they are light, and their deaths are noticed. The figures that are promised are those of
 * bench/conductor-size.ts; the bounds here are what no machine takes, however busy it is.
 */
import { expect, test } from "bun:test";
import { resultOf } from "../../../_process.ts";

test("100 000 components cost some hundred bytes each, and every death is noticed", async () => {
  const child = Bun.spawn([process.execPath, Bun.fileURLToPath(import.meta.resolve("./_many.ts")), "100000"], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const { exit, stdout, stderr } = await resultOf(child);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
  const { bytes, lateMs } = JSON.parse(stdout);
  expect(bytes).toBeLessThanOrEqual(2_048);
  expect(lateMs).toBeLessThanOrEqual(5_000);
}, 60_000);
