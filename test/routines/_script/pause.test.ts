import { expect, test } from "bun:test";
import { pause } from "../../../routines/_script/pause.ts";

test("pause() ends when it is aborted, before or meanwhile, and says what could not go on", async () => {
  const controller = new AbortController();
  const paused = pause(600_000, controller.signal, "measure further");
  controller.abort();
  for (const it of [paused, pause(600_000, controller.signal, "measure further")])
    expect(await it.catch((error: unknown) => error)).toMatchObject({
      exit: "interrupted",
      message: "Cannot measure further: interrupted",
    });
});

test("pause() lasts as long as it is asked to", async () => {
  const startMs = performance.now();
  await pause(20, undefined, "wait");
  expect(performance.now() - startMs).toBeGreaterThan(18);
});
