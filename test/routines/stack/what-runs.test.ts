import { describe, expect, test } from "bun:test";
import { identifyProcess, readBootId } from "../../../routines/_script/process-identity.ts";
import type { StackRecord } from "../../../routines/stack/read-stack.ts";
import { whatRuns } from "../../../routines/stack/what-runs.ts";
import { makeTree } from "../../_workspace.ts";

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

/** A home in which the process of `a` is this one, and that of `gone` has ended. */
function makeHome(): string {
  const process_ = (handle: string, startTime: string | undefined): string =>
    JSON.stringify({
      handle,
      ...identifyProcess(process.pid),
      ...(startTime === undefined ? {} : { startTime }),
      mark: handle,
      argv: ["x"],
      cwd: "/",
      port: 1,
      containerPort: 1,
      contract: "/c",
      stop: { signal: "SIGTERM", grace: "1s" },
      startedAt: "",
      logFile: "/l",
      logStart: 0,
      fingerprint: "f",
    });
  return makeTree({ "state/native/a/process.json": process_("a", undefined), "state/native/gone/process.json": process_("gone", "1") });
}

describe("whatRuns", () => {
  test("is what was recorded, but for processes that have ended", () => {
    expect(whatRuns(record, makeHome())).toEqual({ services: ["a", "web"], natives: ["a"], capabilities: ["nvidia"] });
  });

  test("is nothing without a record, or after the machine was started again", () => {
    expect(whatRuns(undefined, makeHome())).toBeUndefined();
    expect(whatRuns({ ...record, bootId: "another" }, makeHome())).toBeUndefined();
  });
});
