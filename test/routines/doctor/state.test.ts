/** Checks of what Harbor itself keeps, on recorded facts, and what mends them. */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../../../routines/_script/error.ts";
import { readBootId } from "../../../routines/_script/process-identity.ts";
import { judgeConfig } from "../../../routines/doctor/check-config.ts";
import { judgeLeftovers } from "../../../routines/doctor/check-leftovers.ts";
import { judgeModes } from "../../../routines/doctor/check-modes.ts";
import { judgeOrphans, type OrphanFacts } from "../../../routines/doctor/check-orphans.ts";
import { judgeSecrets, type SecretFacts } from "../../../routines/doctor/check-secrets.ts";
import { judgeStack, type StackFacts } from "../../../routines/doctor/check-stack.ts";
import { judgeSupervisor, type SupervisorFacts } from "../../../routines/doctor/check-supervisor.ts";
import type { State } from "../../../routines/doctor/finding.ts";
import { listLeases, writeLease } from "../../../routines/stack/leases.ts";
import type { StackRecord } from "../../../routines/stack/read-stack.ts";
import { inspectSupervisor } from "../../../routines/supervisor/inspect-supervisor.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const states = (found: readonly { state: State }[]) => found.map(({ state }) => state);

describe("judgeConfig", () => {
  const known = ["HARBOR_OLLAMA_HOST_PORT", "HARBOR_DATA"];
  const judge = (values: Record<string, string>) =>
    judgeConfig({ file: "/c", values: new Map(Object.entries(values)), known, handles: ["ollama"] });
  test.each<[string, Record<string, string>, State[]]>([
    ["what files name", { HARBOR_OLLAMA_HOST_PORT: "1", HARBOR_DATA: "/d" }, ["ok"]],
    ["what is no key of Harbor's", { HF_TOKEN: "x" }, ["ok"]],
    ["a slip", { HARBOR_OLLAMA_HOST_PROT: "1" }, ["warning"]],
    ["an engine that is none", { HARBOR_ENGINE_KIND: "vm" }, ["failed"]],
    ["a runtime that is none", { HARBOR_OLLAMA_RUNTIME: "nativ" }, ["failed"]],
  ])("%s", (_, values, expected) => {
    expect(states(judge(values))).toEqual(expected);
  });

  test("names the nearest key, and the place of a line that cannot be read", () => {
    expect(judge({ HARBOR_OLLAMA_HOST_PROT: "1" })[0]?.what).toEndWith("did you mean HARBOR_OLLAMA_HOST_PORT?");
    const values = new HarborError("Cannot read a line: expected KEY=value", { at: { file: "/c", line: 3 } });
    expect(judgeConfig({ file: "/c", values, known, handles: [] })).toMatchObject([
      { state: "failed", what: "/c:3: Cannot read a line: expected KEY=value" },
    ]);
    expect(judgeConfig({ file: "/c", values: undefined, known, handles: [] })).toMatchObject([{ state: "ok" }]);
  });
});

describe("judgeModes", () => {
  test("fails what others can read, and mends it", async () => {
    const home = makeTree({ "config.env": "A=b\n" });
    const path = join(home, "config.env");
    chmodSync(path, 0o644);
    const [found] = judgeModes([{ path, mode: statSync(path).mode, isOwn: true, isFolder: false }]);
    expect(found).toMatchObject({ state: "failed", fix: `chmod 0600 ${path}` });
    expect(await found?.mend?.()).toBe(`${path} has mode 0600 now`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("does not mend what is another user's", () => {
    const [found] = judgeModes([{ path: "/x", mode: 0o100644, isOwn: false, isFolder: false }]);
    expect(found).toMatchObject({ state: "warning", fix: expect.stringContaining("sudo chown") });
    expect(found?.mend).toBeUndefined();
  });

  test("is content with what is private", () => {
    expect(states(judgeModes([{ path: "/s", mode: 0o40700, isOwn: true, isFolder: true }]))).toEqual(["ok"]);
    expect(states(judgeModes([]))).toEqual(["ok"]);
  });
});

describe("judgeSecrets", () => {
  const facts: SecretFacts = { home: "/h", file: "/h/secrets.env", inFile: 0, inKeychain: undefined, probe: undefined };
  const inKeychain = { inKeychain: 2, probe: { state: "open" } as const };
  const gone = { state: "unreachable", why: "this session has none" } as const;
  test.each<[string, Partial<SecretFacts>, State, string]>([
    ["none", {}, "ok", "none is set; they go into /h/secrets.env"],
    ["one in the file", { inFile: 1 }, "ok", "1 secret in /h/secrets.env"],
    ["in a keychain that answers", inKeychain, "ok", "2 secrets in the system's keychain, which answers"],
    ["in both, after a move that was killed", { ...inKeychain, inFile: 1 }, "ok", "keychain, 1 secret in /h/secrets.env, which"],
    ["in one that is locked", { ...inKeychain, probe: { state: "locked" } }, "warning", "which is locked"],
    ["in another one than this", { ...inKeychain, probe: { state: "empty" } }, "failed", "no entry of Harbor's for /h"],
    ["in one that is not to be had", { ...inKeychain, probe: gone }, "failed", "cannot be had here: this session has none"],
    ["none, in a keychain that answers", { inKeychain: 0, probe: { state: "empty" } }, "ok", "0 secrets in the system's keychain"],
    ["none, in one that is not to be had", { inKeychain: 0, probe: gone }, "warning", "where new secrets go, cannot be had here"],
  ])("%s", (_, change, state, what) => {
    expect(judgeSecrets({ ...facts, ...change })).toMatchObject({ state, what: expect.stringContaining(what) });
  });
});

describe("judgeStack", () => {
  const record = { services: ["webui"], natives: [], hasContainers: true, bootId: readBootId() } as unknown as StackRecord;
  const facts: StackFacts = { home: "/h", record, isThisBoot: true, natives: [], containers: 1 };
  test.each<[string, Partial<StackFacts>, State]>([
    ["nothing up", { record: undefined }, "ok"],
    ["containers that are there", {}, "ok"],
    ["natives that are looked after", { natives: ["ollama"], containers: 0 }, "ok"],
    ["nothing of it there", { containers: 0 }, "warning"],
    ["nothing of it there after a restart of the host", { containers: 0, isThisBoot: false }, "warning"],
    ["no engine to ask", { containers: undefined }, "skipped"],
    ["natives alone, and none is left", { record: { ...record, hasContainers: false }, containers: undefined }, "warning"],
    ["a record that is none", { record: new HarborError('Cannot read "stack.json": it is not JSON') }, "failed"],
  ])("%s", (_, change, state) => {
    expect(judgeStack({ ...facts, ...change }).state).toBe(state);
  });

  test("forgets what is not there, and nothing else; keeps a broken record beside", async () => {
    const home = makeTree({ "state/stack.json": "{}", "state/values.env": "", "state/native/x/log": "lines", "data/x/file": "precious" });
    await judgeStack({ ...facts, home, containers: 0 }).mend?.();
    expect(existsSync(join(home, "state/stack.json"))).toBe(false);
    expect(readFileSync(join(home, "data/x/file"), "utf8")).toBe("precious");
    expect(readFileSync(join(home, "state/native/x/log"), "utf8")).toBe("lines");
    const other = makeTree({ "state/stack.json": "half" });
    await judgeStack({ ...facts, home: other, record: new HarborError("x") }).mend?.();
    expect(readFileSync(join(other, "state/stack.json.broken"), "utf8")).toBe("half");
  });
});

describe("judgeLeftovers", () => {
  const holder = "pid 7 (harbor up) since 2026-01-01";
  test("tells of locks and of files, and mends both", async () => {
    const home = makeTree({ "state/lock": "half", "state/stack.json.99999999.tmp": "{}" });
    const [lock, temporary] = [join(home, "state/lock"), join(home, "state/stack.json.99999999.tmp")];
    const found = judgeLeftovers({ home, locks: [{ path: lock, holder: "no JSON", state: "unreadable" }], temporary: [temporary] });
    expect(states(found)).toEqual(["failed", "warning"]);
    for (const { mend } of found) await mend?.();
    expect([existsSync(lock), existsSync(temporary)]).toEqual([false, false]);
  });

  test("leaves a lock alone that is held", () => {
    expect(states(judgeLeftovers({ home: "/h", locks: [{ path: "/h/lock", holder, state: "held" }], temporary: [] }))).toEqual(["ok"]);
    expect(states(judgeLeftovers({ home: "/h", locks: [{ path: "/h/lock", holder, state: "dead" }], temporary: [] }))).toEqual(["warning"]);
  });
});

describe("judgeSupervisor", () => {
  const where = { home: "/nonexistent", env: {} };
  const none = inspectSupervisor("/nonexistent");
  const facts: SupervisorFacts = { traces: none, hello: undefined, version: "2.0.0", where };
  const running = { ...none, pid: 7, version: "2.0.0", isAlive: true, services: ["ollama"] };
  test.each<[string, Partial<SupervisorFacts>, State, string]>([
    ["none, and none needed", {}, "ok", "none runs"],
    ["one of this version", { traces: running, hello: { version: "2.0.0", troubles: [] } }, "ok", "for ollama"],
    ["one of another version", { traces: running, hello: { version: "1.0.0", troubles: [] } }, "warning", "of version 1.0.0"],
    ["one with troubles", { traces: running, hello: { version: "2.0.0", troubles: ["the disk is full"] } }, "warning", "the disk is full"],
    ["one that does not answer", { traces: running, hello: null }, "failed", "does not answer"],
    ["none where one is needed", { traces: { ...none, services: ["ollama"] } }, "warning", "ollama should have one"],
    ["one that was killed and is not needed", { traces: { ...none, pid: 7 } }, "warning", "noted as running: pid 7"],
    [
      "a record that nobody can read",
      { traces: { ...none, broken: [{ handle: "x", why: "it is no JSON" }] } },
      "failed",
      "x: it is no JSON",
    ],
  ])("%s", (_, change, state, what) => {
    expect(judgeSupervisor({ ...facts, ...change })).toMatchObject([{ state, what: expect.stringContaining(what) }]);
  });

  test("a dead one's record and socket go, a live one's stay", async () => {
    const dead = { pid: 99999999, startTime: "1", bootId: readBootId(), version: "1" };
    const home = makeFolder();
    const socket = join(home, "s.sock");
    await Bun.write(join(home, "state/supervisor.json"), JSON.stringify({ ...dead, socket }));
    await Bun.write(socket, "");
    const [found] = judgeSupervisor({ ...facts, traces: inspectSupervisor(home), where: { home, env: {} } });
    expect(await found?.mend?.()).toBe("its record is removed");
    expect([existsSync(join(home, "state/supervisor.json")), existsSync(socket)]).toEqual([false, false]);
  });
});

describe("judgeOrphans", () => {
  const proxy = { id: "1", name: "p-ollama-1", handle: "ollama" };
  const lease = { project: "mine", service: "llm", handle: "ollama", isStopped: false, bootId: "before" };
  const facts: OrphanFacts = { home: "/h", project: "p", proxies: [], natives: [], leases: [], engine: {} as never };
  test.each<[string, Partial<OrphanFacts>, State]>([
    ["nothing", {}, "ok"],
    ["a proxy and its native", { proxies: [proxy], natives: ["ollama"] }, "ok"],
    ["a proxy alone", { proxies: [proxy] }, "warning"],
    ["a lease of now", { leases: [{ lease, isThisBoot: true, hasContainers: false }] }, "ok"],
    ["a lease of a project that is there", { leases: [{ lease, isThisBoot: false, hasContainers: true }] }, "ok"],
    ["a lease of a project that is gone", { leases: [{ lease, isThisBoot: false, hasContainers: false }] }, "warning"],
  ])("%s", (_, change, state) => {
    expect(states(judgeOrphans({ ...facts, ...change }))).toEqual([state]);
  });

  test("a lease that nobody has is forgotten", async () => {
    const home = makeFolder();
    writeLease(home, lease);
    const [found] = judgeOrphans({ ...facts, home, leases: [{ lease, isThisBoot: false, hasContainers: false }] });
    await found?.mend?.();
    expect(listLeases(home)).toEqual([]);
  });
});
