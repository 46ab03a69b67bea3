import { describe, expect, spyOn, test } from "bun:test";
import { join } from "node:path";
import { applyModules } from "../../../routines/compose/apply-modules.ts";
import type { MergedCompose } from "../../../routines/compose/merge-compose.ts";
import type { Selection } from "../../../routines/compose/read-selection.ts";
import { resolveFiles } from "../../../routines/compose/resolve-files.ts";
import { Values } from "../../../routines/config/read-values.ts";
import { findWorkspace } from "../../../routines/workspace/find-workspace.ts";
import { listFiles } from "../../../routines/workspace/list-files.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const none = new Set<string>();

async function apply(modules: Record<string, string>): Promise<MergedCompose & { root: string }> {
  const root = makeTree({ "compose.a.yml": "", "compose.b.yml": "", ...modules });
  const workspace = findWorkspace({ home: makeFolder(), directory: root });
  const services = new Set(["a", "b"]);
  const files = listFiles({ workspace, handles: [...services], capabilities: none });
  const resolved = resolveFiles({
    files,
    services,
    natives: none,
    connections: new Map(),
    capabilities: none,
    knownCapabilities: none,
    workspace,
  });
  const merged: MergedCompose = { model: { services: { a: { image: "a" } } }, variables: new Map(), sources: new Map() };
  const values = new Values([{ origin: "test", get: (name) => ({ HARBOR_A_B: '{"x":1}' })[name] }]);
  const selection = { services, natives: none, capabilities: new Set(["nvidia"]) } as unknown as Selection;
  await applyModules({ resolved, merged, selection, values });
  return { ...merged, root };
}

describe("applyModules", () => {
  test("hands each the model that the one before returned, those of a service before those across", async () => {
    const add = (name: string): string => `export default ({ compose }) => ({ ...compose, order: [...(compose.order ?? []), "${name}"] });`;
    const { model } = await apply({
      "compose.x.a.b.ts": add("cross"),
      "compose.b.ts": add("b"),
      "compose.a.ts": add("a"),
      "compose.x.a.c.ts": add("never"),
    });
    expect(model.order).toEqual(["a", "b", "cross"]);
  });

  test("tells it what there is, and finds the older configuration's keys", async () => {
    const { model, sources, root } = await apply({
      "compose.a.ts": `export default async ({ compose, env, files, ...rest }) => ({
        services: { ...compose.services, more: {} }, rest, got: [env.getValue("a.b"), env.getJsonValue("HARBOR_A_B"), env.getValue("no"), files.length] });`,
    });
    expect(model.rest).toEqual({ service: "a", services: ["a", "b"], natives: [], capabilities: ["nvidia"], dir: root });
    expect(model.got).toEqual(['{"x":1}', { x: 1 }, "", 3]);
    expect(sources.get("more")).toEqual([join(root, "compose.a.ts")]);
  });

  test("keeps what it prints off stdout", async () => {
    const { console: printer } = globalThis;
    const { log } = printer;
    const printed = spyOn(printer, "error").mockImplementation(() => undefined);
    await apply({ "compose.a.ts": 'export default ({ compose }) => { console.log("hello"); return compose; };' });
    expect(printed.mock.calls).toEqual([["hello"]]);
    expect(printer.log).toBe(log);
    printed.mockRestore();
  });

  test.each([
    ["export default 3;", "it has no function as its default export"],
    ["export default () => 3;", "it returned no compose object"],
    ["export default () => [];", "it returned no compose object"],
    ['export default () => { throw new Error("boom"); };', "boom"],
    ["export default (", "Cannot apply the compose module"],
  ])("refuses %s", async (text, message) => {
    const failed: unknown = await apply({ "compose.a.ts": text }).catch((error: unknown) => error);
    expect(failed).toMatchObject({
      name: "HarborError",
      exit: "failed",
      message: expect.stringContaining(message),
      at: { file: expect.stringContaining("compose.a.ts") },
    });
  });
});
