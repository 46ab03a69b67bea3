import { describe, expect, test } from "bun:test";
import type { Plan } from "../../../routines/compose/make-plan.ts";
import type { NativeSpec } from "../../../routines/native/start-process.ts";
import { orderStarts } from "../../../routines/stack/order-starts.ts";

interface Sketch {
  /** Native → what it depends on. */
  natives: Record<string, string[]>;
  /** Container → what it depends on; `x proxy` stands in for the native x. */
  containers: Record<string, string[]>;
}

const started = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, "service_started" as const]));

function wavesOf({ natives, containers }: Sketch): string[] {
  const specs = Object.entries(natives).map(([handle, others]) => ({ handle, dependsOn: started(others) }) as unknown as NativeSpec);
  const planned = specs.map(({ handle }) => ({
    handle,
    runtime: "native" as const,
    containers: Object.keys(containers).filter((name) => name === `${handle}-host` || name === handle),
  }));
  const own = Object.keys(containers).filter((name) => !planned.some((it) => it.containers.includes(name)));
  const plan = {
    natives: specs,
    services: [...planned, ...own.map((handle) => ({ handle, runtime: "container" as const, containers: [handle] }))],
    dependencies: Object.fromEntries(own.map((name) => [name, started(containers[name] ?? [])])),
    compose: { services: containers },
  } as unknown as Plan;
  return orderStarts(plan).map((wave) => `${wave.natives.map(({ handle }) => handle).join(" ")} | ${wave.containers.join(" ")}`);
}

describe("orderStarts", () => {
  test.each<[string, Sketch, string[]]>([
    ["natives, then all containers", { natives: { a: [] }, containers: { a: [], b: ["a"], c: [] } }, ["a | a b c"]],
    ["natives alone", { natives: { a: ["b"], b: [] }, containers: {} }, ["b a | "]],
    ["containers alone", { natives: {}, containers: { a: [], b: ["a"] } }, [" | a b"]],
    [
      "a native that waits for a container comes after it, and its proxy after that",
      { natives: { a: ["db"] }, containers: { a: [], db: [], web: ["a"] } },
      [" | db", "a | a db web"],
    ],
    [
      "a container between two natives",
      { natives: { last: ["middle"], first: [] }, containers: { first: [], last: [], middle: ["first"] } },
      ["first | first middle", "last | first last middle"],
    ],
    ["a native after a container that no other container follows", { natives: { a: ["db"] }, containers: { db: [] } }, [" | db", "a | "]],
    [
      "natives keep to the plan's order where nothing is between them",
      { natives: { b: ["a"], a: ["db"] }, containers: { db: [] } },
      [" | db", "b a | "],
    ],
  ])("%s", (_what, sketch, waves) => {
    expect(
      wavesOf(sketch).map((wave) =>
        wave
          .split(" | ")
          .map((part) => part.split(" ").sort().join(" "))
          .join(" | "),
      ),
    ).toEqual(
      waves.map((wave) =>
        wave
          .split(" | ")
          .map((part) => part.split(" ").sort().join(" "))
          .join(" | "),
      ),
    );
  });
});
