import { afterAll, expect, spyOn, test } from "bun:test";
import { type Progress, StatusProgress } from "../../../routines/stack/progress.ts";

const clock = spyOn(performance, "now");
afterAll(() => clock.mockRestore());

/** What is said of these words, each at a time in seconds. */
function said(...words: [at: number, handle: string, status: string][]): string[] {
  const lines: string[] = [];
  const progress: Progress = { isQuiet: false, say: (subject, what) => void lines.push(`${subject}: ${what}`), warn: () => undefined };
  const statuses = new StatusProgress(progress);
  for (const [at, handle, status] of words) {
    clock.mockReturnValue(at * 1_000);
    statuses.say(handle, status);
  }
  return lines;
}

test("each new thing is said once; nothing is not said", () => {
  expect(said([0, "a", ""], [0, "a", "one"], [1, "a", "one"], [1, "a", "two"], [1, "a", ""], [2, "a", "one"])).toEqual([
    "a: one",
    "a: two",
    "a: one",
  ]);
});

test("what counts up is said every five seconds, of each service by itself", () => {
  const counting = Array.from({ length: 100 }, (_, at): [number, string, string] => [at / 10, "a", `fetching x: ${at}.5 %`]);
  expect(said(...counting, [9.95, "b", "fetching x: 1 %"], [9.99, "a", "loading x"])).toEqual([
    "a: fetching x: 0.5 %",
    "a: fetching x: 50.5 %",
    "b: fetching x: 1 %",
    "a: loading x",
  ]);
});
