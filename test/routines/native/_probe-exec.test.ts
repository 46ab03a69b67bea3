import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ProbeOptions, type ProbeResult, probeOnce } from "../../../routines/native/probe-process.ts";
import { until } from "../../_until.ts";
import { cleanFixture, type Fixture, listOwned, makeFixture } from "./_fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = makeFixture();
});
afterEach(async () => {
  expect(await cleanFixture(fixture)).toEqual([]);
});

function run(argv: string[], timeout = "5s", options: ProbeOptions = {}): Promise<ProbeResult> {
  const env = { PATH: process.env.PATH ?? "", ...fixture.spec([]).env, WORD: "heard" };
  return probeOnce({ exec: argv, probe_timeout: timeout }, { handle: "sample", cwd: fixture.directory, env }, options);
}

const sh = (script: string): string[] => ["sh", "-c", script];

test("counts where it ends with 0, in the service's folder and environment and in no other", async () => {
  expect(await run(sh('test "$WORD" = heard && test -z "$HARBOR_HOME$USER" && pwd > here'))).toEqual({ ok: true });
  expect(readFileSync(join(fixture.directory, "here"), "utf8").trim()).toEndWith(fixture.directory);
});

const failures: [string, string[], string][] = [
  ["code and last line", sh("echo first; printf '\\033[31mno answer\\033[0m\\n\\n'; exit 3"), "probe sh ended with exit code 3: no answer"],
  ["what it wrote to stderr", sh("echo lost connection >&2; exit 1"), "probe sh ended with exit code 1: lost connection"],
  ["the code alone where it is silent", sh("exit 1"), "probe sh ended with exit code 1"],
  ["the signal that ended it", sh("kill -SEGV $$"), "probe sh was ended by SIGSEGV"],
  [
    "no more than a line's worth",
    sh("head -c 1000000 /dev/zero | tr '\\0' x; exit 1"),
    `probe sh ended with exit code 1: ${"x".repeat(200)}…`,
  ],
  ["a program that is missing", ["no-such-program"], 'probe no-such-program: "no-such-program" is not installed, or not on PATH'],
  ["a path that leads nowhere", ["./check.sh"], 'probe check.sh: there is no program "./check.sh"'],
];
test.each(failures)("says %s", async (_, argv, reason) => {
  expect(await run(argv)).toEqual({ ok: false, reason });
});

test("says what cannot be run", async () => {
  const file = join(fixture.directory, "check");
  writeFileSync(file, "not a program");
  expect(await run(["./check"])).toEqual({ ok: false, reason: 'probe check: "./check" is no program that can be run' });
  chmodSync(file, 0o755);
  expect(await run(["./check"])).toMatchObject({
    ok: false,
    reason: expect.stringMatching(/^probe check: the system cannot run "\.\/check" \(/),
  });
});

test("runs Harbor's own bun for one that is called bun", async () => {
  expect(await run(["bun", "-e", `process.exitCode = process.execPath === ${JSON.stringify(process.execPath)} ? 0 : 1`])).toEqual({
    ok: true,
  });
});

test("is killed with all that it started once it takes too long", async () => {
  const result = await run(sh("echo waiting; sleep 600 & sleep 600 & wait"), "100ms");
  expect(result).toEqual({ ok: false, reason: "probe sh did not end within 100 ms: waiting" });
  await until(() => listOwned(fixture.owner).length === 0, "all of it is gone");
});

test("is killed when it is no longer wanted", async () => {
  const abort = new AbortController();
  const asked = run(sh("echo $$ > started; sleep 600"), "600s", { signal: abort.signal });
  await until(() => existsSync(join(fixture.directory, "started")), "it runs");
  abort.abort();
  expect(await asked).toEqual({ ok: false, reason: "probe sh was interrupted" });
  await until(() => listOwned(fixture.owner).length === 0, "all of it is gone");
  expect(await run(sh("true"), "5s", { signal: abort.signal })).toEqual({ ok: false, reason: "probe sh: interrupted" });
});

test("is not held up by a child that keeps its output open, and leaves none behind", async () => {
  const beganMs = performance.now();
  expect(await run(sh("sleep 600 & exit 0"), "60s")).toEqual({ ok: true });
  expect(performance.now() - beganMs).toBeLessThan(10_000);
  await until(() => listOwned(fixture.owner).length === 0, "all of it is gone");
});
