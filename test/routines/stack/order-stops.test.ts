import { describe, expect, test } from "bun:test";
import { orderStops } from "../../../routines/stack/order-stops.ts";

interface Sketch {
  /** Native → what it depends on. */
  natives?: Record<string, string[]>;
  /** Container → what it depends on. */
  containers?: Record<string, string[]>;
  /** Containers that stand in for a native. */
  proxies?: Record<string, string>;
}

function wavesOf({ natives = {}, containers = {}, proxies = {} }: Sketch): string[] {
  const own = Object.entries(containers).map(([service, dependsOn]) => ({
    service,
    handle: service,
    runtime: "container" as const,
    dependsOn,
  }));
  const others = Object.entries(proxies).map(([service, handle]) => ({ service, handle, runtime: "native" as const, dependsOn: [] }));
  const reports = Object.entries(natives).map(([handle, dependsOn]) => ({ handle, dependsOn }));
  const words = (names: readonly string[]): string => names.join(" ");
  return orderStops(reports, [...own, ...others]).map(
    (wave) => `${words(wave.containers.map((it) => it.service))} | ${words(wave.natives)}`,
  );
}

describe("orderStops", () => {
  test.each<[string, Sketch, string[]]>([
    ["nothing", {}, []],
    ["containers, then natives", { natives: { a: [], b: ["a"] }, containers: { web: ["a"] }, proxies: { a: "a" } }, ["web a | a b"]],
    ["a native before the container that it depends on", { natives: { a: ["db"] }, containers: { db: [] } }, [" | a", "db | "]],
    [
      "a consumer, its native, and what that depends on; what nobody waits for goes at once",
      { natives: { a: ["db"] }, containers: { db: ["disk"], disk: [], web: ["a"], other: [] }, proxies: { a: "a", "a-host": "a" } },
      ["web other a a-host | a", "db disk | "],
    ],
    [
      "a container between two natives",
      { natives: { last: ["middle"], first: [] }, containers: { middle: ["first"] }, proxies: { first: "first", last: "last" } },
      ["last | last", "middle first | first"],
    ],
    ["what it depends on and goes on is nothing to wait for", { natives: { a: ["b", "db"] } }, [" | a"]],
    [
      "a circle, in the end",
      { natives: { a: ["box"] }, containers: { box: ["a"], web: [] }, proxies: { a: "a" } },
      ["web | ", "box a | a"],
    ],
  ])("%s", (_what, sketch, waves) => {
    expect(wavesOf(sketch)).toEqual(waves);
  });
});
