import { describe, expect, test } from "bun:test";
import { HarborError } from "../../../routines/_script/error.ts";
import type { Check } from "../../../routines/doctor/check.ts";
import { DoctorContext } from "../../../routines/doctor/context.ts";
import { failed, ok, warning } from "../../../routines/doctor/finding.ts";
import { CHECKS, chooseChecks } from "../../../routines/doctor/list-checks.ts";
import { renderFindings } from "../../../routines/doctor/render-findings.ts";
import { type Diagnosis, mendFindings, runChecks, worstState } from "../../../routines/doctor/run-checks.ts";

const renew = () => new DoctorContext({ env: {}, home: "/nonexistent", signal: new AbortController().signal });
const check = (name: string, run: Check["run"]): Check => ({ name, group: "host", about: "", run });
const trouble = { why: "because", fix: "do it" };

describe("runChecks", () => {
  test("runs them at the same time, and gives what they find in their order", async () => {
    const second = Promise.withResolvers<void>();
    const checks = [
      check("first", async () => {
        await second.promise;
        return ok("1");
      }),
      check("second", () => {
        second.resolve();
        return [ok("2"), warning({ what: "3", ...trouble })];
      }),
    ];
    const found = await runChecks({ checks, context: renew() });
    expect(found.map(({ check: name, what }) => [name, what])).toEqual([
      ["first", "1"],
      ["second", "2"],
      ["second", "3"],
    ]);
  });

  test("leaves one out that cannot look, or does not answer in time, and says so of one that breaks", async () => {
    const checks = [
      check("blind", () => {
        throw new HarborError("Cannot read it: no permission");
      }),
      check("late", () => new Promise(() => undefined)),
      check("broken", () => {
        throw new TypeError("x is not a function");
      }),
    ];
    const found = await runChecks({ checks, context: renew(), timeoutMs: 20 });
    expect(found.map(({ state, what }) => [state, what])).toEqual([
      ["skipped", "cannot be looked at: Cannot read it: no permission"],
      ["skipped", "gave no answer within 0.02 s"],
      ["warning", "the check itself broke: x is not a function"],
    ]);
  });
});

describe("mendFindings", () => {
  test("mends, says what it did, and looks again; what it cannot mend stays", async () => {
    let isBad = true;
    const mend = () => {
      isBad = false;
      return "mended it";
    };
    const refuse = () => {
      throw new Error("it is read-only");
    };
    const checks = [
      check("a", () =>
        isBad
          ? [failed({ what: "bad", ...trouble, mend }), warning({ what: "beyond us", ...trouble })]
          : warning({ what: "beyond us", ...trouble }),
      ),
      check("b", () => failed({ what: "worse", ...trouble, mend: refuse })),
      check("c", () => ok("fine")),
    ];
    const context = renew();
    const found = await mendFindings({ found: await runChecks({ checks, context }), checks, context, renew });
    expect(found.map(({ check: name, state, what, fixed, details }) => [name, state, what, fixed, details])).toEqual([
      ["a", "ok", "bad", "mended it", undefined],
      ["a", "warning", "beyond us", undefined, undefined],
      ["b", "failed", "worse", undefined, ["It could not be mended: it is read-only"]],
      ["c", "ok", "fine", undefined, undefined],
    ]);
    expect(worstState(found)).toBe("failed");
  });

  test("changes nothing where nothing can be mended", async () => {
    const checks = [check("c", () => warning({ what: "x", ...trouble }))];
    const context = renew();
    const before = await runChecks({ checks, context });
    expect(await mendFindings({ found: before, checks, context, renew })).toEqual(before);
  });
});

describe("chooseChecks", () => {
  const names = (words: string[]) => chooseChecks(words).map(({ name }) => name);

  test("takes names of checks and of groups, in Harbor's own order", () => {
    expect(names(["dns", "disk"])).toEqual(
      ["dns", "disk"].sort((a, b) => CHECKS.findIndex(({ name }) => name === a) - CHECKS.findIndex(({ name }) => name === b)),
    );
    expect(names(["gpu"])).toEqual(["gpu", "onnx"]);
    expect(names([])).toHaveLength(CHECKS.length);
  });

  test("suggests the nearest for a slip", () => {
    expect(() => names(["listners"])).toThrow(
      expect.objectContaining({ exit: "unknown", message: 'Cannot find check "listners"; did you mean "listeners"?' }),
    );
  });

  test("every check has a name and a purpose of its own", () => {
    expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
    expect(CHECKS.filter(({ about }) => about === "")).toEqual([]);
  });
});

describe("renderFindings", () => {
  const found: Diagnosis[] = [
    { check: "engine", group: "engine", ...ok("Docker Engine 28") },
    { check: "socket", group: "engine", ...ok("fine", ["a detail"]) },
    { check: "disk", group: "host", ...failed({ what: "full", ...trouble, mend: () => "" }) },
    { check: "clock", group: "host", state: "skipped", what: "no engine" },
    { check: "modes", group: "state", state: "ok", what: "0644", fixed: "it has mode 0600 now" },
  ];
  const options = { all: false, hasColours: false, always: new Set(["engine"]) };

  test("shows in full what is not as it should be, the rest by name", () => {
    expect(renderFindings(found, options)).toBe(`engine
  ok       engine: Docker Engine 28
  ok       socket
host
  FAILED   disk: full
           why: because
           fix: do it (\`harbor doctor --fix\` does it)
  skipped  clock: no engine
state
  ok       modes: 0644
           fixed: it has mode 0600 now

3 ok, 1 failed, 1 skipped; \`harbor doctor --all\` shows all of them`);
  });

  test("shows all of it on demand, in colour on a terminal", () => {
    expect(renderFindings(found, { ...options, all: true })).toContain("  ok       socket: fine\n             a detail\n");
    expect(renderFindings(found, { ...options, hasColours: true })).toContain("\x1b[31mFAILED \x1b[0m");
  });
});
