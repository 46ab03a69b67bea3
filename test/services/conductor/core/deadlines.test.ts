import { describe, expect, test } from "bun:test";
import { Deadlines } from "../../../../services/conductor/core/deadlines.ts";
import { type Random, seededRandom } from "../_random.ts";

describe("Deadlines", () => {
  test("tells each once, when it is due and not before", () => {
    const deadlines = new Deadlines(0);
    deadlines.set(1, 120);
    deadlines.set(2, 130);
    expect(deadlines.advance(119)).toEqual([]);
    expect(deadlines.advance(125)).toEqual([1]);
    expect(deadlines.advance(130)).toEqual([2]);
    expect(deadlines.advance(100_000)).toEqual([]);
  });

  test("moves away, comes nearer, is taken back", () => {
    const deadlines = new Deadlines(0);
    deadlines.set(1, 100);
    deadlines.set(1, 5_000);
    deadlines.set(2, 5_000);
    deadlines.set(2, 100);
    deadlines.set(3, 100);
    deadlines.clear(3);
    expect(deadlines.advance(200)).toEqual([2]);
    expect(deadlines.advance(4_999)).toEqual([]);
    expect(deadlines.advance(5_000)).toEqual([1]);
    deadlines.set(2, 6_000);
    expect(deadlines.advance(6_000)).toEqual([2]);
  });

  test("does what a list that is looked through would do", () => {
    const random = seededRandom(Number(process.env.HARBOR_TEST_SEED ?? 5));
    for (let round = 0; round < 200; round++) compareWithList(random);
  });

  test("costs a beat the same whether few or many are known", () => {
    const timeOf = (slots: number): number => {
      const deadlines = new Deadlines(0);
      for (let slot = 0; slot < slots; slot++) deadlines.set(slot, 10_000 + slot);
      const start = performance.now();
      for (let beat = 0; beat < 300_000; beat++) deadlines.set(beat % slots, 20_000 + beat / 100);
      return performance.now() - start;
    };
    timeOf(1_000);
    const few = Math.min(timeOf(1_000), timeOf(1_000), timeOf(1_000));
    const many = Math.min(timeOf(100_000), timeOf(100_000), timeOf(100_000));
    // more than its share of the caches it may cost
    expect(many).toBeLessThan(5 * few + 5);
  });
});

/** A random course of settings, each of which a plain list gets as well. */
function compareWithList(random: Random): void {
  let now = random.upTo(1_000_000);
  const deadlines = new Deadlines(now);
  const list = new Map<number, number>();
  for (let count = 0; count < 200; count++) {
    const slot = random.upTo(100);
    const at = now + random.pick([-100, 0, 1, 30, 49, 50, 51, 1_000, 51_199, 51_200, 60_000, 3_600_000]) + random.upTo(60);
    if (random.upTo(5) > 0) {
      deadlines.set(slot, at);
      list.set(slot, at);
    } else {
      deadlines.clear(slot);
      list.delete(slot);
    }
    now += random.pick([0, 0, 0, 1, 10, 49, 50, 500, 20_000, 51_200, 200_000]);
    const due = [...list.keys()].filter((name) => (list.get(name) ?? 0) <= now);
    for (const name of due) list.delete(name);
    expect(deadlines.advance(now).sort((a, b) => a - b)).toEqual(due.sort((a, b) => a - b));
  }
}
