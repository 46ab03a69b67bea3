import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { MadePlan } from "../../../routines/compose/make-plan.ts";
import { Values } from "../../../routines/config/read-values.ts";
import { makeDataFolders } from "../../../routines/stack/make-data-folders.ts";
import { makeFolder } from "../../_workspace.ts";

function make(data: string, natives: object[], volumes: unknown[]): string[] {
  const values = new Values([{ origin: "test", get: (name) => (name === "HARBOR_DATA" ? data : undefined) }]);
  return makeDataFolders({ plan: { natives, compose: { services: { a: { volumes } } } }, values } as unknown as MadePlan);
}

describe("makeDataFolders", () => {
  test("makes what containers mount below the data folder, in any syntax, and nothing else", () => {
    const data = join(makeFolder(), "data");
    const made = make(
      data,
      [],
      [
        "${HARBOR_DATA}/a:/x",
        "${HARBOR_DATA:-./d}/b/c:/x:ro",
        { source: "${HARBOR_DATA}/e", target: "/x" },
        "named:/x",
        `${data}-other/f:/x`,
        "/anonymous",
      ],
    );
    expect(made.sort()).toEqual(["", "/a", "/b", "/b/c", "/e"].map((name) => data + name));
    expect(["a", "b/c", "e"].every((name) => existsSync(join(data, name)))).toBe(true);
    expect(existsSync(`${data}-other`)).toBe(false);
  });

  test("makes a native's own where its words name it, and tells only what was not there", () => {
    const data = makeFolder();
    const natives = [
      { handle: "a", argv: ["a", "--dir", `${data}/a`], env: {} },
      { handle: "b", argv: ["b"], env: { B: `${data}/b/models` } },
      { handle: "c", argv: ["c"], env: {} },
    ];
    expect(make(data, natives, [])).toEqual([join(data, "a"), join(data, "b")]);
    expect(make(data, natives, [])).toEqual([]);
    expect(existsSync(join(data, "c"))).toBe(false);
  });
});
