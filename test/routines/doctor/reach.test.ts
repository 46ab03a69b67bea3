/** What the doctor makes of servers that stand in for services, and of services that others reach. */
import { describe, expect, test } from "bun:test";
import { judgeConnected } from "../../../routines/doctor/check-connected.ts";
import { judgeReach, type ReachFacts } from "../../../routines/doctor/check-reach.ts";
import type { ListedConnection } from "../../../routines/stack/list-connections.ts";

const connection: ListedConnection = {
  handle: "ollama",
  url: "https://gpu.example",
  isInsecure: false,
  hasCa: false,
  hasToken: false,
  isUp: true,
  answer: { kind: "right", what: "GET … answered 200" },
};

describe("connected servers", () => {
  const states = (more: Partial<ListedConnection>): string[] =>
    judgeConnected({ connections: [{ ...connection, ...more }], problems: [] }).map(({ state }) => state);
  const silent = { kind: "silent", what: "connection refused" } as const;

  test.each<[string, Partial<ListedConnection>, string[]]>([
    ["one that answers", {}, ["ok"]],
    ["one that asks its users for a key", { answer: { kind: "locked", what: "401" } }, ["ok"]],
    ["one that does not take the token", { answer: { kind: "locked", what: "401" }, hasToken: true }, ["failed"]],
    ["one that is gone while something uses it", { answer: silent }, ["failed"]],
    ["one that is gone and not in use", { answer: silent, isUp: false }, ["warning"]],
    ["something else in its place", { answer: { kind: "other", what: "404" } }, ["failed"]],
    ["a certificate that nobody looks at", { isInsecure: true }, ["warning"]],
    ["a token in the clear", { hasToken: true, url: "http://192.168.1.5:8080" }, ["warning"]],
    ["a token on this host", { hasToken: true, url: "http://127.0.0.1:8080" }, ["ok"]],
  ])("%s", (_, more, expected) => {
    expect(states(more)).toEqual(expected);
  });

  test("none at all, and one that cannot be read", () => {
    expect(judgeConnected({ connections: [], problems: [] })).toMatchObject([{ state: "ok" }]);
    expect(judgeConnected({ connections: [], problems: ["no URL"] })).toMatchObject([{ state: "failed", what: "no URL" }]);
  });
});

describe("what others reach", () => {
  const NOW = Date.UTC(2026, 0, 1);
  const DAY = 86_400_000;
  const record = {
    way: "expose",
    handle: "webui",
    url: "https://box:1",
    user: "harbor",
    isOpen: true,
    expiresMs: NOW + 300 * DAY,
  } as const;
  const judge = (more: Partial<ReachFacts["records"][number]>, up = ["webui"]) =>
    judgeReach({ records: [{ ...record, ...more }], up, nowMs: NOW })[0];

  test.each([
    ["as it is meant to be", {}, "ok", undefined],
    ["gone", { isOpen: false }, "warning", "harbor expose webui opens it again, harbor unexpose webui forgets it"],
    [
      "a tunnel for everybody",
      { way: "tunnel", user: null, expiresMs: undefined },
      "warning",
      "harbor tunnel down webui, unless it is meant",
    ],
    ["a certificate that expires", { expiresMs: NOW + 3 * DAY }, "warning", "harbor expose webui makes another"],
    ["one that has", { expiresMs: NOW - DAY }, "warning", "harbor expose webui makes another"],
  ] as const)("%s", (_, more, state, fix) => {
    const finding = judge(more);
    expect(finding?.state).toBe(state);
    if (fix !== undefined) expect(finding?.fix).toContain(fix);
  });

  test("that leads to nothing", () => {
    expect(judge({}, [])).toMatchObject({ state: "warning", fix: "harbor up webui, or harbor unexpose webui" });
    expect(judgeReach({ records: [], up: [], nowMs: NOW })).toMatchObject([{ state: "ok" }]);
  });
});
