import { expect, test } from "bun:test";
import { SeriesStore, TIERS } from "../../../../services/conductor/core/series.ts";

const T0 = 1_800_000_000_000;

test("a step has the mean, the greatest and the number of its values; a gap has none", () => {
  const series = new SeriesStore();
  for (const [at, value] of [
    [0, 1],
    [5_000, 3],
    [30_000, 7],
  ] as const)
    series.add("a-001", "cpu", value, T0 + at);
  series.add("a-001", "cpu", Number.NaN, T0 + 31_000);
  const range = { start: T0, end: T0 + 60_000, now: T0 + 60_000 };
  expect(series.read("a-001", "cpu", range)).toEqual([
    { time: T0, mean: 2, max: 3, count: 2 },
    { time: T0 + 30_000, mean: 7, max: 7, count: 1 },
  ]);
  expect(series.read("a-001", "other", range)).toEqual([]);
});

test("very large numbers have a mean as well", () => {
  const series = new SeriesStore();
  for (const value of [1.5e308, 1.5e308, -1.5e308]) series.add("a-001", "x", value, T0);
  const [point] = series.read("a-001", "x", { start: T0, end: T0, now: T0 });
  expect(point?.mean).toBeCloseTo(0.5e308, -300);
});

test("a day is there in coarse steps, the last half hour in fine ones, and nothing earlier", () => {
  const series = new SeriesStore();
  const day = 86_400_000;
  for (let at = 0; at < 2 * day; at += 10_000) series.add("a-001", "cpu", 1, T0 + at);
  const now = T0 + 2 * day - 10_000;
  const all = series.read("a-001", "cpu", { start: T0, end: now, now });
  expect(all).toHaveLength(TIERS[2]?.slots ?? 0);
  expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(day / 10_000);
  expect(series.read("a-001", "cpu", { start: now - 600_000, end: now, now })).toHaveLength(61);
});

test("a clock that is set far back begins anew", () => {
  const series = new SeriesStore();
  series.add("a-001", "cpu", 1, T0);
  series.add("a-001", "cpu", 5, T0 - 864_000_000);
  const now = T0 - 864_000_000;
  expect(series.read("a-001", "cpu", { start: now - 10_000, end: now, now })).toMatchObject([{ mean: 5, count: 1 }]);
});

test("there are no more than the limit: idle ones make room, others are refused and counted", () => {
  const series = new SeriesStore(2);
  series.add("a-001", "x", 1, T0);
  series.add("b-001", "x", 1, T0);
  series.add("c-001", "x", 1, T0);
  expect([series.size, series.refused]).toEqual([2, 1]);
  series.add("b-001", "x", 1, T0 + 700_000);
  series.add("c-001", "x", 1, T0 + 700_000);
  expect([series.metricsOf("a-001"), series.metricsOf("c-001"), series.size]).toEqual([[], ["x"], 2]);
  series.forget("c-001");
  expect(series.size).toBe(1);
});
