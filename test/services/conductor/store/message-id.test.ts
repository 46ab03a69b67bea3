/** Ids: that they grow whatever the clock does, and that what is none of ours is told. */
import { expect, test } from "bun:test";
import { nextNumber, PER_MS, readId, writeId } from "../../../../services/conductor/store/message-id.ts";

test("are written and read", () => {
  for (const n of [0, 1, PER_MS - 1, PER_MS, Date.now() * PER_MS + 7]) expect(readId(writeId(n))).toBe(n);
  expect(writeId(5 * PER_MS + 2)).toBe("5-2");
});

test.each(["", "1", "-", "1-", "-1", "1-1-1", "a-1", "1-1024", "1 -1", "1-1\n", "12345678901234-1", "１-1"])("%j is none", (id) => {
  expect(readId(id)).toBeUndefined();
});

test("follow the clock, and go on where it stands still or goes back", () => {
  expect(nextNumber(0, 1_000)).toBe(1_000 * PER_MS);
  expect(nextNumber(1_000 * PER_MS, 1_000)).toBe(1_000 * PER_MS + 1);
  expect(nextNumber(1_000 * PER_MS, 500)).toBe(1_000 * PER_MS + 1);
  expect(nextNumber(1_000 * PER_MS + PER_MS - 1, 1_000)).toBe(1_001 * PER_MS);
  expect(Number.isSafeInteger(nextNumber(0, Date.UTC(2240, 0)))).toBe(true);
});
