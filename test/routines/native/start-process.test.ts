import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readProcess } from "../../../routines/_script/process-identity.ts";
import { findProcess } from "../../../routines/native/list-processes.ts";
import { lastLines } from "../../../routines/native/read-log.ts";
import { checkStartable, fingerprintSpec, startProcess } from "../../../routines/native/start-process.ts";
import { stopProcess } from "../../../routines/native/stop-process.ts";
import { waitReady } from "../../../routines/native/wait-ready.ts";
import { until } from "../../_until.ts";
import { cleanFixture, type Fixture, listOwned, makeFixture, server, shell } from "./_fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(async () => {
  expect(await cleanFixture(fixture)).toEqual([]);
});

const stop = (): Promise<unknown> => stopProcess({ handle: "sample", stateDirectory: fixture.directory });

describe("startProcess", () => {
  test("gives the process a session, a log and a record of its own", async () => {
    const spec = fixture.spec(shell("echo out; echo err >&2; exec sleep 60"));
    const { record, isNew } = await startProcess({ spec, stateDirectory: fixture.directory });
    expect(isNew).toBe(true);
    expect(readProcess(record.pid)).toMatchObject({ session: record.pid, group: record.pid, startTime: record.startTime });
    const folder = join(fixture.directory, "native", "sample");
    expect(record).toMatchObject({ logFolder: folder, logRun: 1 });
    await until(async () => (await lastLines({ folder, lines: 9 })).sort().join() === "err,out", "both streams in the log");
    for (const stream of ["out", "err"]) expect(statSync(join(folder, `spool/1.${stream}`)).mode & 0o777).toBe(0o600);
    const path = join(fixture.directory, "native", "sample", "process.json");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(record);
    await stop();
  });

  test("leaves a running one as it is, and tells whether its spec has changed", async () => {
    const spec = fixture.spec(shell("exec sleep 60"));
    const { record } = await startProcess({ spec, stateDirectory: fixture.directory });
    const again = await startProcess({ spec, stateDirectory: fixture.directory });
    expect(again).toEqual({ record, isNew: false, hasChanged: false });
    const other = { ...spec, argv: shell("exec sleep 61") };
    expect(await startProcess({ spec: other, stateDirectory: fixture.directory })).toMatchObject({ isNew: false, hasChanged: true });
    await stop();
  });

  test("starts one process when many start at once", async () => {
    const spec = fixture.spec(shell("exec sleep 60"));
    const all = await Promise.all(Array.from({ length: 5 }, () => startProcess({ spec, stateDirectory: fixture.directory })));
    expect(all.filter((one) => one.isNew)).toHaveLength(1);
    expect(new Set(all.map((one) => one.record.pid)).size).toBe(1);
    expect(listOwned(fixture.owner)).toHaveLength(1);
    await stop();
  });

  test("passes only the host's part of the environment, and what the spec names", async () => {
    const spec = fixture.spec(shell('env > "$OUT.tmp"; mv "$OUT.tmp" "$OUT"; exec sleep 60'), {
      env: { OUT: join(fixture.directory, "env") },
    });
    const environment = {
      PATH: process.env.PATH,
      HOME: "/home/x",
      LC_ALL: "C",
      OPENAI_API_KEY: "secret",
      CUDA_VISIBLE_DEVICES: "1",
      UNSET: undefined,
    };
    await startProcess({ spec, stateDirectory: fixture.directory, environment });
    await until(() => existsSync(join(fixture.directory, "env")), "the environment written");
    const names = readFileSync(join(fixture.directory, "env"), "utf8")
      .split("\n")
      .map((line) => line.split("=")[0] ?? "");
    for (const name of ["PATH", "HOME", "LC_ALL", "CUDA_VISIBLE_DEVICES", "PORT", "HARBOR_NATIVE"]) expect(names).toContain(name);
    expect(names).not.toContain("OPENAI_API_KEY");
    await stop();
  });

  test("says how to install a program that is missing", async () => {
    const spec = fixture.spec(["no-such-program"], { install: { [process.platform]: "brew install it" } });
    const start = startProcess({ spec, stateDirectory: fixture.directory });
    await expect(start).rejects.toMatchObject({
      message: 'Cannot start "sample": "no-such-program" is not installed, or not on PATH',
      exit: "missing",
      hint: "Install it: brew install it",
    });
    expect(findProcess({ handle: "sample", stateDirectory: fixture.directory })).toBeUndefined();
  });

  test.each<[string, string | undefined, number, string, RegExp]>([
    ["that is not there", undefined, 0, "there is no program", /^Install it/],
    ["that is not executable", "#!/bin/sh\n", 0o644, "is no program that can be run", /^Make it executable: chmod \+x /],
    ["in no format of this system's", "\x7fELF and no more", 0o755, "in no format that this system runs", /^Use a build of it/],
    ["whose interpreter is not there", "#!/no/such/interpreter\n", 0o755, "the interpreter that it asks for", /^Install that interpreter/],
  ])("says so of a program %s, and leaves no log", async (_, text, mode, state, hint) => {
    const program = join(fixture.directory, "program");
    if (text !== undefined) writeFileSync(program, text, { mode });
    const error = await startProcess({ spec: fixture.spec([program]), stateDirectory: fixture.directory }).catch((it: unknown) => it);
    expect(error).toMatchObject({ exit: "missing", message: expect.stringContaining(state), hint: expect.stringMatching(hint) });
    expect(existsSync(join(fixture.directory, "native", "sample"))).toBe(false);
  });

  test("keeps the log of an earlier start when the next one fails", async () => {
    await startProcess({ spec: fixture.spec(shell("echo earlier; exec sleep 60")), stateDirectory: fixture.directory });
    const folder = join(fixture.directory, "native", "sample");
    await until(async () => (await lastLines({ folder, lines: 9 })).join() === "earlier", "its log");
    await stop();
    const program = join(fixture.directory, "program");
    writeFileSync(program, "\x7fELF and no more", { mode: 0o755 });
    await expect(startProcess({ spec: fixture.spec([program]), stateDirectory: fixture.directory })).rejects.toThrow("cannot run");
    expect(await lastLines({ folder, lines: 9 })).toEqual(["earlier"]);
  });

  test("says when its working directory is missing", async () => {
    const spec = fixture.spec(shell("true"), { cwd: join(fixture.directory, "nowhere") });
    const start = startProcess({ spec, stateDirectory: fixture.directory });
    await expect(start).rejects.toThrow(`Cannot start "sample": its working directory "${spec.cwd}" does not exist`);
  });

  test("tells beforehand what could not even begin, and makes nothing", () => {
    const check = (argv: string[], more = {}) =>
      checkStartable({ spec: fixture.spec(argv, more), environment: process.env, stateDirectory: fixture.directory });
    expect(() => check(["no-such-program"])).toThrow('"no-such-program" is not installed');
    expect(() => check(["sh"], { cwd: join(fixture.directory, "nowhere") })).toThrow("does not exist");
    expect(() => check(["sh"], { env: { PATH: fixture.directory } })).toThrow('"sh" is not installed');
    check(["sh"]);
    check(["bun"]);
    expect(readdirSync(fixture.directory)).toEqual([]);
  });

  test("names the process that has its port", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const start = startProcess({ spec: fixture.spec(server(), { port: taken.port }), stateDirectory: fixture.directory });
    await expect(start).rejects.toThrow(new RegExp(`^Cannot start "sample": port ${taken.port} is taken by pid ${process.pid} \\(.*bun`));
  });

  test("clears what an earlier start left before it starts anew", async () => {
    const spec = fixture.spec(shell("sleep 60 & exec sleep 60"));
    const { record } = await startProcess({ spec, stateDirectory: fixture.directory });
    await until(() => listOwned(fixture.owner).length === 2, "its child");
    process.kill(record.pid, "SIGKILL");
    await until(() => listOwned(fixture.owner).length === 1, "its end");
    const again = await startProcess({ spec, stateDirectory: fixture.directory });
    expect(again.isNew).toBe(true);
    await until(() => listOwned(fixture.owner).length === 2, "the new child");
    await stop();
  });

  test("runs the bun that runs Harbor, for which no .env file counts", async () => {
    await Bun.write(join(fixture.directory, ".env"), "FROM_FILE=1\n");
    const code =
      'if (process.env.FROM_FILE === undefined) Bun.serve({ hostname: "127.0.0.1", port: Number(process.env.PORT), fetch: () => new Response() })';
    const spec = fixture.spec(["bun", "-e", code]);
    const started = await startProcess({ spec, stateDirectory: fixture.directory, environment: { PATH: "/nowhere" } });
    expect(started.record.argv[0]).toBe(process.execPath);
    await waitReady({ started, ready: { http: "/", timeout: "10s", start_interval: "50ms" } });
    await stop();
  });

  test("refuses a handle that would leave its folder", async () => {
    const spec = fixture.spec(shell("true"), { handle: "../x" });
    await expect(startProcess({ spec, stateDirectory: fixture.directory })).rejects.toMatchObject({ exit: "unknown" });
  });

  test("starts nothing once it is interrupted", async () => {
    const start = startProcess({ spec: fixture.spec(shell("sleep 60")), stateDirectory: fixture.directory, signal: AbortSignal.abort() });
    await expect(start).rejects.toMatchObject({ exit: "interrupted" });
  });

  test("outlives the command that started it", async () => {
    const spec = fixture.spec(shell("exec sleep 60"));
    const routine = join(import.meta.dir, "../../../routines/native/start-process.ts");
    const command = Bun.spawn([process.execPath, routine, "--state", fixture.directory, "--json"], {
      stdin: new Blob([JSON.stringify(spec)]),
      stdout: "pipe",
    });
    const record = JSON.parse(await new Response(command.stdout).text());
    expect(await command.exited).toBe(0);
    expect(findProcess({ handle: "sample", stateDirectory: fixture.directory })).toMatchObject({ state: "running", pid: record.pid });
    await stop();
  });
});

describe("fingerprintSpec", () => {
  test("does not depend on the order of the environment", () => {
    const spec = fixture.spec(["x"]);
    const reversed = { ...spec, env: Object.fromEntries(Object.entries(spec.env).reverse()) };
    expect(fingerprintSpec(reversed)).toBe(fingerprintSpec(spec));
    expect(fingerprintSpec({ ...spec, env: {} })).not.toBe(fingerprintSpec(spec));
  });
});
