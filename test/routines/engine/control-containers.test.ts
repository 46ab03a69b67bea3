import { describe, expect, test } from "bun:test";
import { controlContainers } from "../../../routines/engine/control-containers.ts";
import { type FakeEngine, startFakeEngine } from "./_fake-engine.ts";

const containers = ["a", "b"].map((service) => ({ id: `id-${service}`, name: `p-${service}-1` }));

/** Answers every request about `b` with a status of its own. */
function startEngine(status = 204): FakeEngine {
  return startFakeEngine((_, { pathname }) => {
    if (status === 204 || !pathname.includes("id-b")) return new Response(null, { status: 204 });
    return status === 304 ? new Response(null, { status }) : Response.json({ message: "busy" }, { status });
  });
}

describe("controlContainers", () => {
  test.each(["stop", "restart"] as const)("has the engine %s each, and removes none", async (action) => {
    using fake = startEngine();
    await controlContainers({ engine: fake.engine, action, containers });
    expect(fake.asked.sort()).toEqual([`POST /containers/id-a/${action}`, `POST /containers/id-b/${action}`]);
  });

  test.each([
    ["stopped already", 304],
    ["gone", 404],
  ])("one that is %s is no error", async (_, status) => {
    using fake = startEngine(status);
    await controlContainers({ engine: fake.engine, action: "stop", containers });
    expect(fake.asked).toHaveLength(2);
  });

  test("what the engine refuses is an error", async () => {
    using fake = startEngine(500);
    await expect(controlContainers({ engine: fake.engine, action: "restart", containers })).rejects.toThrow("busy");
  });
});
