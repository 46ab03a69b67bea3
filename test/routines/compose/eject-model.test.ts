import { describe, expect, test } from "bun:test";
import { ejectModel, fillText } from "../../../routines/compose/eject-model.ts";
import { Values } from "../../../routines/config/read-values.ts";

const map: Record<string, string> = { A: "1", DOLLAR: "a$b", MY_KEY: "s3cr3t" };
const values = new Values([{ origin: "test", get: (name) => map[name] }]);

describe("fillText", () => {
  test.each([
    ["${A}-${B:-2}", "1-2"],
    ["$A", "1"],
    ["$$HOME", "$$HOME"],
    ["${DOLLAR}", "a$$b"],
    ["x${MY_KEY}y", "x${MY_KEY}y"],
    ["${MY_KEY:-none}", "${MY_KEY:-none}"],
    ["${B:-${A}}", "1"],
    ["${B:-$$x${DOLLAR}}", "$$xa$$b"],
    ["${B:-http://${A}:${MY_KEY:-}@y}", "http://1:${MY_KEY:-}@y"],
    ["${B-${C:-${MY_KEY}}}", "${MY_KEY}"],
    ["${A:-${MY_KEY}}", "1"],
    ["${A:+--key $MY_KEY}s", "--key ${MY_KEY}s"],
    ["${B:+--key $MY_KEY}", ""],
  ])("%s becomes %s", (text, filled) => {
    expect(fillText(text, { values, resolve: false })).toBe(filled);
  });

  test("fills secrets in when asked to", () => {
    expect(fillText("${MY_KEY}", { values, resolve: true })).toBe("s3cr3t");
    expect(fillText("${B:-x${MY_KEY}}", { values, resolve: true })).toBe("xs3cr3t");
  });

  test("tells of a secret inside a default", () => {
    const told: string[] = [];
    fillText("${B:-${MY_KEY}} ${A:-${OTHER_KEY}}", { values, resolve: false, onSecret: (name) => told.push(name) });
    expect(told).toEqual(["MY_KEY"]);
  });
});

describe("ejectModel", () => {
  test("fills a copy, without Harbor's own labels, and names the secrets left open", () => {
    const model = {
      services: {
        a: { image: "i:${A}", environment: ["K=${MY_KEY}"], labels: { "harbor.handle": "a", "harbor.runtime": "container" } },
        b: { image: "j", labels: ["harbor.handle=b", "own=1"] },
      },
    };
    const before = structuredClone(model);
    expect(ejectModel({ model, values, resolve: false })).toEqual({
      model: { services: { a: { image: "i:1", environment: ["K=${MY_KEY}"] }, b: { image: "j", labels: ["own=1"] } } },
      secrets: ["MY_KEY"],
    });
    expect(model).toEqual(before);
  });
});
