import { describe, expect, test } from "bun:test";
import { type ModelProgress, type ShowProgressOptions, showProgress } from "../../../routines/models/show-progress.ts";

const TOTAL = 486_200_000;

/** What is written while the clock goes on by `stepMs` for each of so many bytes. */
function shown(options: Partial<ShowProgressOptions>, stepMs: number, received: readonly number[]): string[] {
  const written: string[] = [];
  let now = 0;
  const progress = showProgress({ repo: "org/model", write: (text) => written.push(text), isTerminal: false, now: () => now, ...options });
  for (const bytes of received) {
    progress.show({ file: "model.bin", fileIndex: 1, files: 3, received: bytes, total: TOTAL } satisfies ModelProgress);
    now += stepMs;
  }
  progress.end();
  progress.end();
  return written;
}

const steps = (count: number): number[] => Array.from({ length: count + 1 }, (_, at) => Math.round((TOTAL * at) / count));

describe("in a log", () => {
  test("is a line for each tenth where it is fast", () => {
    const lines = shown({}, 10, steps(1_000));
    expect(lines).toHaveLength(11);
    expect(lines[0]).toBe("org/model: 0 %, 0 B of 486.2 MB (model.bin, 2 of 3)\n");
    expect(lines[5]).toBe("org/model: 50 %, 243.1 MB of 486.2 MB, 48.6 MB/s (model.bin, 2 of 3)\n");
    expect(lines.at(-1)).toStartWith("org/model: 100 %, 486.2 MB of 486.2 MB");
  });

  test("is a line every few seconds where it is slow", () => {
    const lines = shown({}, 1_000, steps(100).slice(0, 20));
    expect(lines.map((line) => Number(/(\d+) %/.exec(line)?.[1]))).toEqual([0, 5, 10, 15]);
  });
});

describe("on a terminal", () => {
  test("is one line that is written over, never wider than the window, and gone at the end", () => {
    const written = shown({ isTerminal: true, columns: 40 }, 200, steps(10));
    expect(written).toHaveLength(12);
    expect(written.every((text) => text.startsWith("\r\u001b[K") && !text.includes("\n") && text.length <= 4 + 39)).toBe(true);
    expect(written[3]).toStartWith("\r\u001b[Korg/model: 30 %, 145.9 MB of 486.2 MB");
    expect(written.at(-1)).toBe("\r\u001b[K");
  });

  test("may be one that does not tell how wide it is", () => {
    expect(shown({ isTerminal: true, columns: 0 }, 1, [0])[0]).toBe("\r\u001b[Korg/model: 0 %, 0 B of 486.2 MB (model.bin, 2 of 3)");
  });

  test("is not written more often than it can be read", () => {
    expect(shown({ isTerminal: true }, 1, steps(500))).toHaveLength(7);
  });

  test("leaves nothing where there was nothing to show", () => {
    expect(shown({ isTerminal: true }, 1, [])).toEqual([]);
  });
});
