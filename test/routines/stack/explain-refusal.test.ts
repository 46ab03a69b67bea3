import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { HarborError } from "../../../routines/_script/error.ts";
import type { MadePlan } from "../../../routines/compose/make-plan.ts";
import { explainRefusal } from "../../../routines/stack/explain-refusal.ts";
import { makeTree } from "../../_workspace.ts";

const FILE = "services:\n  web:\n    image: a:1\n    bogus: 1\n    command: { a: b }\n";

function explain(said: string): unknown {
  const file = join(makeTree({ "compose.web.yml": FILE }), "compose.web.yml");
  const made = { merged: { sources: new Map([["web", [file]]]) } } as unknown as MadePlan;
  const error = new HarborError(`Cannot run "docker compose up": ${said}`);
  const explained = explainRefusal(error, made) as HarborError;
  return explained === error ? "as it was" : [explained.message, explained.at?.line, explained.at?.file === file];
}

describe("explainRefusal", () => {
  test.each([
    [
      "validating /s/compose.yml: services.web Additional property bogus is not allowed",
      ['Cannot use "services.web": docker compose says: Additional property bogus is not allowed', 4, true],
    ],
    [
      "validating /s/compose.yml: services.web.command must be a null",
      ['Cannot use "services.web.command": docker compose says: must be a null', 5, true],
    ],
    [
      "validating /s/compose.yml: services.other.command must be a null",
      ['Cannot use "services.other.command": docker compose says: must be a null', undefined, false],
    ],
    ["no such image", "as it was"],
  ])("%s", (said, explained) => {
    expect(explain(said)).toEqual(explained);
  });
});
