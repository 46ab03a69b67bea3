import { expect, test } from "bun:test";
import { listDead, removeDead } from "../../../routines/engine/list-dead.ts";
import { containerInfo, startFakeEngine } from "./_fake-engine.ts";

test("what has been started since it was found is not removed", async () => {
  const asked: string[] = [];
  using fake = startFakeEngine(({ method }, { pathname, searchParams }) => {
    if (pathname === "/containers/json") return Response.json([containerInfo("a", { State: "exited", Status: "Exited (0)" })]);
    asked.push(`${method} ${pathname} force=${searchParams.get("force") ?? "no"}`);
    return Response.json({ message: "You cannot remove a running container id-a" }, { status: 409 });
  });
  const [dead] = await listDead({ engine: fake.engine, project: "p" });
  expect(dead).toMatchObject({ id: "id-a", name: "p-a-1" });
  await expect(removeDead({ engine: fake.engine, id: dead?.id ?? "" })).rejects.toThrow("cannot remove a running container");
  expect(asked).toEqual(["DELETE /containers/id-a force=no"]);
});

test.each([
  ["gone", 404, "No such container: id-a"],
  ["about to be", 409, "removal of container id-a is already in progress"],
])("what is %s already is fine", async (_, status, message) => {
  using fake = startFakeEngine(() => Response.json({ message }, { status }));
  await removeDead({ engine: fake.engine, id: "id-a" });
});
