import { describe, expect, test } from "bun:test";
import { readBootId } from "../../../routines/_script/process-identity.ts";
import type { StackRecord } from "../../../routines/stack/read-stack.ts";
import { whatRuns } from "../../../routines/stack/what-runs.ts";

const record: StackRecord = {
  project: "p",
  workspace: undefined,
  services: ["a", "gone", "web"],
  natives: ["a", "gone"],
  capabilities: ["nvidia"],
  planned: [],
  hasContainers: true,
  bootId: readBootId(),
};

describe("whatRuns", () => {
  test("is what was recorded, what has ended by itself since among it", () => {
    expect(whatRuns(record)).toEqual({ services: record.services, natives: record.natives, capabilities: ["nvidia"] });
  });

  test("is nothing without a record, or after the machine was started again", () => {
    expect(whatRuns(undefined)).toBeUndefined();
    expect(whatRuns({ ...record, bootId: "another" })).toBeUndefined();
  });
});
