import { expect, test } from "bun:test";
import type { ServiceStatus, Supervised } from "../../../routines/stack/observe-stack.ts";
import { wordState } from "../../../routines/stack/word-state.ts";

const since = "2026-01-31T12:00:00.123Z";
const common: ServiceStatus = {
  handle: "a",
  runtime: "native",
  state: "running",
  health: "",
  pid: 1,
  container: null,
  ports: [],
  urls: [],
  since,
};

test.each([
  ["ready", "it answers as it should", "", undefined],
  ["ready", "it answers as it should", "2 models", "a says: 2 models"],
  ["stopped", "it was asked to stop", "", undefined],
  ["degraded", "no voice", "no voice", "a is degraded since 2026-01-31T12:00:00Z: no voice"],
  ["starting", "it runs, and is not ready yet", "43 %", "a is starting: it runs, and is not ready yet; it says: 43 %"],
  ["unhealthy", "port 1: nothing listens", "", "a is unhealthy: port 1: nothing listens"],
] as const)("%s, %s, %j", (state, why, status, line) => {
  const supervised: Supervised = { state, why, since, status, restarts: 0 };
  expect(wordState({ ...common, supervised })).toBe(line);
});

test("of a container nothing is known", () => {
  expect(wordState({ ...common, runtime: "container" })).toBeUndefined();
});
