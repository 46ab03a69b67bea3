import { describe, expect, test } from "bun:test";
import { mergeAsTheyCome } from "../../../routines/_script/merge-as-they-come.ts";

async function* items(...them: number[]): AsyncGenerator<number> {
  yield* them;
}

/** Quiet until it is aborted; says when it has ended. */
function quiet(ended: () => void) {
  return async function* (signal: AbortSignal): AsyncGenerator<number> {
    try {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      yield 9;
    } finally {
      ended();
    }
  };
}

describe("mergeAsTheyCome", () => {
  test("does not wait for a quiet source", async () => {
    const { promise: gate, resolve } = Promise.withResolvers<void>();
    const late = async function* (): AsyncGenerator<number> {
      await gate;
      yield 9;
    };
    const merged: number[] = [];
    for await (const item of mergeAsTheyCome(() => [late(), items(1, 2)])) {
      merged.push(item);
      if (merged.length === 2) resolve();
    }
    expect(merged).toEqual([1, 2, 9]);
  });

  test("throws what a source throws, and ends the others", async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const failing = async function* (): AsyncGenerator<number> {
      yield 1;
      throw new Error("this one");
    };
    const found: number[] = [];
    const read = async (): Promise<void> => {
      for await (const item of mergeAsTheyCome((signal) => [quiet(resolve)(signal), failing()])) found.push(item);
    };
    expect(await read().catch((error: unknown) => error)).toMatchObject({ message: "this one" });
    expect(found).toEqual([1]);
    await ended;
  });

  test("ends its sources when its reader leaves", async () => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    for await (const item of mergeAsTheyCome((signal) => [quiet(resolve)(signal), items(1, 2)])) {
      expect(item).toBe(1);
      break;
    }
    await ended;
  });

  test("hands the caller's own signal on", async () => {
    const controller = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const reading = Array.fromAsync(mergeAsTheyCome((signal) => [quiet(resolve)(signal)], controller.signal));
    controller.abort();
    expect(await reading).toEqual([9]);
    await ended;
  });
});
