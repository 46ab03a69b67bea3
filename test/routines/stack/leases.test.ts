import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readBootId } from "../../../routines/_script/process-identity.ts";
import { type Lease, leaseFolder, listHolders, listLeases, readLease, removeLease, writeLease } from "../../../routines/stack/leases.ts";
import { stateOf } from "../../../routines/stack/read-stack.ts";
import { companionProject } from "../../../routines/stack/release-leases.ts";
import { writeStack } from "../../../routines/stack/write-stack.ts";
import { makeFolder } from "../../_workspace.ts";

const lease = (project: string, more: Partial<Lease> = {}): Lease => ({
  project,
  service: "llm",
  handle: "ollama",
  isStopped: false,
  bootId: readBootId(),
  ...more,
});

test("is written, read, listed and removed, with its folder", () => {
  const home = makeFolder();
  expect(listLeases(home)).toEqual([]);
  const one = lease("a");
  writeLease(home, lease("b"));
  writeLease(home, one);
  expect(readLease(home, one)).toEqual(one);
  expect(listLeases(home).map(({ project }) => project)).toEqual(["a", "b"]);
  removeLease(home, one);
  expect(readLease(home, one)).toBeUndefined();
  removeLease(home, lease("b"));
  expect(existsSync(`${stateOf(home).directory}/leases`)).toBe(false);
});

test("holders: the stack, and projects that run in this boot; never the one that asks", () => {
  const home = makeFolder();
  for (const it of [
    lease("a"),
    lease("a", { service: "second" }),
    lease("b", { isStopped: true }),
    lease("c", { bootId: "another" }),
    lease("d", { handle: "redis" }),
    lease("e"),
  ])
    writeLease(home, it);
  expect(listHolders(home, "ollama")).toEqual(['compose project "a"', 'compose project "e"']);
  expect(listHolders(home, "ollama", { project: "e", service: "llm" })).toEqual(['compose project "a"']);
  const record = {
    project: "p",
    workspace: undefined,
    services: ["ollama"],
    natives: ["ollama"],
    capabilities: [],
    planned: [],
    hasContainers: false,
  };
  writeStack(home, { ...record, bootId: readBootId() });
  expect(listHolders(home, "ollama")[0]).toBe("`harbor up`");
  writeStack(home, { ...record, bootId: "another" });
  expect(listHolders(home, "ollama")).not.toContain("`harbor up`");
});

test.each([
  { project: "Upper", service: "x" },
  { project: "..", service: "x" },
  { project: "a/b", service: "x" },
  { project: "a", service: "b/c" },
  { project: "a", service: "" },
])("%j is no name", (name) => {
  expect(() => leaseFolder("/home", name)).toThrow(/^Cannot use (project|service) /);
});

test("names of dots alone stay in the folder", () => {
  expect(leaseFolder("/home", { project: "a", service: ".." })).toBe("/home/state/leases/a...");
  expect(companionProject({ project: "a", service: "My.LLM" })).toBe("a-harbor-my-llm");
});
