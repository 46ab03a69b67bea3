import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readProcess } from "../../../routines/_script/process-identity.ts";
import { fingerprintSpec } from "../../../routines/native/_spec.ts";
import { buildEnvironment } from "../../../routines/native/environment.ts";
import { readRecord, writeRecord } from "../../../routines/native/process-record.ts";
import { checkStartable, type NativeSpec, readStartState } from "../../../routines/native/start-process.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { cleanFixture, end, type Fixture, listOwned, makeFixture, server, shell } from "./_fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(async () => {
  expect(await cleanFixture(fixture)).toEqual([]);
});

/** What the start throws, if it does. */
const failure = (spec: NativeSpec): Promise<unknown> =>
  fixture.start(spec).then(
    () => undefined,
    (error: unknown) => error,
  );

describe("spawnProcess", () => {
  test("gives the process a session, files for what it says and a record of its own", async () => {
    const started = await fixture.start(fixture.spec(shell("echo out; echo err >&2; exec sleep 60")));
    const { record } = started;
    expect(readProcess(record.pid)).toMatchObject({ session: record.pid, group: record.pid, startTime: record.startTime });
    const folder = join(fixture.directory, "native", "sample");
    expect([record.logFolder, record.logRun]).toEqual([folder, 1]);
    const [out, err] = ["out", "err"].map((name) => join(folder, "spool", `1.${name}`)) as [string, string];
    await until(() => readFileSync(out, "utf8") === "out\n" && readFileSync(err, "utf8") === "err\n", "both streams in the spools");
    const path = join(folder, "process.json");
    expect([out, err, path].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
    expect([folder, join(folder, "spool")].map((file) => statSync(file).mode & 0o777)).toEqual([0o700, 0o700]);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(record);
    await end(started);
  });

  test.each([
    ["its exit code", "exit 3", { code: 3, signal: null }],
    ["the signal that ended it", "kill -KILL $$", { code: null, signal: "SIGKILL" }],
  ])("tells %s", async (_, script, exit) => {
    expect(await (await fixture.start(fixture.spec(shell(script)))).exited).toEqual(exit);
  });

  test("passes only the host's part of the environment, and what the spec names, which goes before it", async () => {
    const file = join(fixture.directory, "env");
    const spec = fixture.spec(shell('env > "$OUT.tmp"; mv "$OUT.tmp" "$OUT"; exec sleep 60'), { env: { OUT: file, LC_ALL: "mine" } });
    const environment = {
      PATH: process.env.PATH,
      HOME: "/home/x",
      LC_ALL: "C",
      OPENAI_API_KEY: "secret",
      CUDA_VISIBLE_DEVICES: "1",
      UNSET: undefined,
    };
    const started = await fixture.start(spec, buildEnvironment(environment));
    await until(() => existsSync(file), "the environment written");
    const lines = readFileSync(file, "utf8").split("\n");
    const names = lines.map((line) => line.split("=")[0] ?? "");
    for (const name of ["PATH", "HOME", "CUDA_VISIBLE_DEVICES", "PORT"]) expect(names).toContain(name);
    expect(names).not.toContain("OPENAI_API_KEY");
    expect(lines).toContain("LC_ALL=mine");
    expect(lines).toContain(`HARBOR_NATIVE=${started.record.mark}`);
    await end(started);
  });

  test("says how to install a program that is missing", async () => {
    const spec = fixture.spec(["no-such-program"], { install: { [process.platform]: "brew install it" } });
    expect(await failure(spec)).toMatchObject({
      message: 'Cannot start "sample": "no-such-program" is not installed, or not on PATH',
      exit: "missing",
      hint: "Install it: brew install it",
    });
    expect(readRecord(fixture.directory, "sample")).toBeUndefined();
  });

  test.each<[string, string | undefined, number, string, RegExp]>([
    ["that is not there", undefined, 0, "there is no program", /^Install it/],
    ["that is not executable", "#!/bin/sh\n", 0o644, "is no program that can be run", /^Make it executable: chmod \+x /],
    ["in no format of this system's", "\x7fELF and no more", 0o755, "in no format that this system runs", /^Use a build of it/],
    ["whose interpreter is not there", "#!/no/such/interpreter\n", 0o755, "the interpreter that it asks for", /^Install that interpreter/],
  ])("says so of a program %s", async (_, text, mode, state, hint) => {
    const program = join(fixture.directory, "program");
    if (text !== undefined) writeFileSync(program, text, { mode });
    expect(await failure(fixture.spec([program]))).toMatchObject({
      exit: "missing",
      message: expect.stringContaining(state),
      hint: expect.stringMatching(hint),
    });
    expect(readRecord(fixture.directory, "sample")).toBeUndefined();
  });

  test("says when its working directory is missing", async () => {
    const spec = fixture.spec(shell("true"), { cwd: join(fixture.directory, "nowhere") });
    await expect(fixture.start(spec)).rejects.toThrow(`Cannot start "sample": its working directory "${spec.cwd}" does not exist`);
  });

  test("names the process that has its port", async () => {
    using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const start = fixture.start(fixture.spec(server(), { port: taken.port }));
    await expect(start).rejects.toThrow(new RegExp(`^Cannot start "sample": port ${taken.port} is taken by pid ${process.pid} \\(.*bun`));
  });

  test("runs the bun that runs Harbor, for which no .env file counts", async () => {
    await Bun.write(join(fixture.directory, ".env"), "FROM_FILE=1\n");
    const spec = fixture.spec(["bun", "-e", "process.exitCode = process.env.FROM_FILE === undefined ? 7 : 8"]);
    const { record, exited } = await fixture.start(spec, { PATH: "/nowhere" });
    expect(record.argv[0]).toBe(process.execPath);
    expect(await exited).toEqual({ code: 7, signal: null });
  });

  test("refuses a handle that would leave its folder", async () => {
    expect(await failure(fixture.spec(shell("true"), { handle: "../x" }))).toMatchObject({ exit: "unknown" });
  });

  test("leaves no process behind whose record cannot be written", async () => {
    const record = join(fixture.directory, "native/sample/process.json");
    mkdirSync(record, { recursive: true });
    await expect(fixture.start(fixture.spec(shell("exec sleep 60")))).rejects.toThrow(`Cannot write "${record}"`);
    await until(() => listOwned(fixture.owner).length === 0, "its end");
  });
});

test("checkStartable() tells beforehand what could not even begin, and makes nothing", () => {
  const check = (argv: string[], more = {}) =>
    checkStartable({ spec: fixture.spec(argv, more), environment: process.env, stateDirectory: fixture.directory });
  expect(() => check(["no-such-program"])).toThrow('"no-such-program" is not installed');
  expect(() => check(["sh"], { cwd: join(fixture.directory, "nowhere") })).toThrow("does not exist");
  expect(() => check(["sh"], { env: { PATH: fixture.directory } })).toThrow('"sh" is not installed');
  check(["sh"]);
  check(["bun"]);
  expect(readdirSync(fixture.directory)).toEqual([]);
});

test("checkStartable() refuses one that runs a new port that is taken, and not its own", async () => {
  const spec = fixture.spec(shell("exec sleep 60"));
  const started = await fixture.start(spec);
  using taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const check = (port: number) =>
    checkStartable({
      spec: { ...spec, port, env: { ...spec.env, PORT: String(port) } },
      environment: process.env,
      stateDirectory: fixture.directory,
    });
  expect(() => check(taken.port)).toThrow(`port ${taken.port} is taken by pid ${process.pid}`);
  check(freePort());
  await end(started);
});

test("readStartState() tells whether it runs, and as the spec says", async () => {
  const spec = fixture.spec(shell("exec sleep 60"));
  const state = (it = spec) => readStartState(it, fixture.directory);
  expect(state()).toBe("stopped");
  const started = await fixture.start(spec);
  const { record } = started;
  expect([state(), state({ ...spec, argv: shell("exec sleep 61") })]).toEqual(["running", "changed"]);
  writeRecord(fixture.directory, { ...record, startTime: "1" });
  expect(state()).toBe("stopped");
  await end(started);
});

test("fingerprintSpec() does not depend on the order of the environment", () => {
  const spec = fixture.spec(["x"]);
  const reversed = { ...spec, env: Object.fromEntries(Object.entries(spec.env).reverse()) };
  expect(fingerprintSpec(reversed)).toBe(fingerprintSpec(spec));
  expect(fingerprintSpec({ ...spec, env: {} })).not.toBe(fingerprintSpec(spec));
});
