import { describe, expect, test } from "bun:test";
import { removeContainers } from "../../../routines/engine/remove-containers.ts";
import { containerInfo, type FakeEngine, startFakeEngine } from "./_fake-engine.ts";

/** An engine with a project of two services, a network, and two volumes of which one is Harbor's own. */
function startEngine(): FakeEngine {
  const left = new Set(["a", "b"]);
  return startFakeEngine((request, url) => {
    const { pathname } = url;
    if (pathname === "/containers/json") return Response.json([...left].map((service) => containerInfo(service)));
    if (pathname === "/networks") return Response.json([{ Id: "n1", Name: "p_default" }]);
    if (pathname === "/volumes") {
      const volume = (name: string) => ({
        Name: `p_${name}`,
        Labels: { "com.docker.compose.project": "p", "com.docker.compose.volume": name },
      });
      return Response.json({ Volumes: [volume("harbor-native"), volume("data")] });
    }
    if (request.method === "DELETE" && pathname.startsWith("/containers/")) left.delete(pathname.slice("/containers/id-".length));
    if (pathname.endsWith("/wait")) return undefined;
    return new Response(null, { status: 204 });
  });
}

const changes = (fake: FakeEngine): string[] => fake.asked.filter((line) => line.startsWith("DELETE") || line.endsWith("/stop")).sort();

describe("removeContainers", () => {
  test("stops and removes the services named alone, and keeps the network for the others", async () => {
    using fake = startEngine();
    const removed = await removeContainers({ engine: fake.engine, project: "p", services: ["a"], networks: true, volumes: true });
    expect(removed).toEqual({ containers: ["p-a-1"], networks: [], volumes: [] });
    expect(changes(fake)).toEqual(["DELETE /containers/id-a", "POST /containers/id-a/stop"]);
  });

  test("with the last of them also the network and Harbor's own volume, never the user's", async () => {
    using fake = startEngine();
    const removed = await removeContainers({ engine: fake.engine, project: "p", networks: true, volumes: true });
    expect(removed).toEqual({ containers: ["p-a-1", "p-b-1"], networks: ["p_default"], volumes: ["p_harbor-native"] });
    expect(fake.asked).not.toContain("DELETE /volumes/p_data");
  });

  test("leaves containers alone that are not of the project", async () => {
    using fake = startEngine();
    const removed = await removeContainers({ engine: fake.engine, project: "p", containers: [{ id: "id-elsewhere", name: "x" }] });
    expect(removed.containers).toEqual([]);
    expect(changes(fake)).toEqual([]);
  });

  test("one that is gone already is no error", async () => {
    using fake = startFakeEngine((_, url) => (url.pathname === "/containers/json" ? Response.json([containerInfo("a")]) : undefined));
    expect((await removeContainers({ engine: fake.engine, project: "p", services: ["a"] })).containers).toEqual(["p-a-1"]);
  });

  test("what the engine refuses is an error", async () => {
    using fake = startFakeEngine((request, url) =>
      url.pathname === "/containers/json"
        ? Response.json([containerInfo("a")])
        : Response.json({ message: "busy" }, { status: request.method === "DELETE" ? 500 : 304 }),
    );
    await expect(removeContainers({ engine: fake.engine, project: "p", services: ["a"] })).rejects.toThrow("busy");
  });
});
