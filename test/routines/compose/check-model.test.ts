import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { checkModel, checkPortClaims } from "../../../routines/compose/check-model.ts";
import { makeTree } from "../../_workspace.ts";

const none = new Map<string, string[]>();

describe("checkModel", () => {
  test("names a service that nothing defines, with its place and the nearest name", () => {
    const root = makeTree({ "compose.x.webui.a.yml": "services:\n  webiu:\n    environment: { A: b }\n" });
    const file = join(root, "compose.x.webui.a.yml");
    const services = { webui: { image: "i" }, webiu: { environment: { A: "b" } } };
    const check = (): void => checkModel({ services, sources: new Map([["webiu", [file]]]) });
    expect(check).toThrow('Cannot use service "webiu": no selected file defines it with an image or a build; did you mean "webui"?');
    expect(check).toThrow(expect.objectContaining({ at: { file, line: 2, column: 3 } }));
  });

  test("names a dependency that is not there", () => {
    expect(() => checkModel({ services: { a: { image: "i", depends_on: ["olama"] }, ollama: { image: "i" } }, sources: none })).toThrow(
      'Cannot start "a": it depends on "olama", which nothing defines; did you mean "ollama"?',
    );
  });

  test("accepts a dependency that is not there where it is not required", () => {
    checkModel({ services: { a: { image: "i", depends_on: { b: { condition: "service_started", required: false } } } }, sources: none });
  });

  test("shows a circle from end to end", () => {
    const services = {
      a: { image: "i", depends_on: ["b"] },
      b: { image: "i", depends_on: { c: {} } },
      c: { image: "i", depends_on: ["b"] },
    };
    expect(() => checkModel({ services, sources: none })).toThrow("Cannot order services: b depends on c depends on b");
  });
});

describe("checkPortClaims", () => {
  const claim = (handle: string, address: string, published: number, protocol = "tcp") => ({
    handle,
    address,
    published,
    protocol,
    target: 80,
    path: `/${handle}.yml`,
  });

  test("refuses one port claimed twice, on meeting addresses", () => {
    expect(() => checkPortClaims([claim("a", "127.0.0.1", 80), claim("b", "", 80)])).toThrow(
      "Cannot publish port 80 twice: a and b both claim it",
    );
    expect(() => checkPortClaims([claim("a", "0.0.0.0", 80), claim("b", "::1", 80)])).toThrow("twice");
  });

  test("accepts one port on two addresses or two protocols", () => {
    checkPortClaims([claim("a", "127.0.0.1", 80), claim("b", "127.0.0.2", 80), claim("c", "127.0.0.1", 80, "udp")]);
  });
});
