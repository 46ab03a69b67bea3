import { beforeEach, describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import type { HarborError } from "../../../routines/_script/error.ts";
import type { NativeSpec } from "../../../routines/native/start-process.ts";
import { type StartNativesOptions, startNatives } from "../../../routines/stack/start-natives.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { serverLines, type TestHome, useHomes } from "../supervisor/_home.ts";

const newHome = useHomes();

let home: TestHome;
beforeEach(() => {
  home = newHome();
});

const deaf = (handle: string, timeout: string): NativeSpec =>
  home.service(handle, `port: ${freePort()}\nready: { tcp: true, timeout: ${timeout}, start_interval: 10ms }`, "exec sleep 60");
const dying = (handle: string): NativeSpec => home.service(handle, `port: ${freePort()}`, "echo last words; exit 3");

/** What was said, with numbers as N; and what the start threw. */
async function run(specs: NativeSpec[], more: Partial<StartNativesOptions> = {}) {
  const said: string[] = [];
  const started: string[] = [];
  const madeWay: string[] = [];
  const progress = {
    isQuiet: false,
    say: (subject: string, what: string) => void said.push(`${subject}: ${what.replace(/\d[\d.]*/g, "N")}`),
    warn: (text: string) => void said.push(text),
  };
  const error = await startNatives({
    specs,
    home: home.home,
    environment: home.env,
    signal: new AbortController().signal,
    keep: false,
    isBystander: () => false,
    progress,
    onStarted: (handle) => void started.push(handle),
    onRunning: () => undefined,
    onMadeWay: (handle) => void madeWay.push(handle),
    ...more,
  }).then(
    () => undefined,
    (cause: unknown) => cause as HarborError,
  );
  return { said, started, madeWay, error };
}

describe("startNatives", () => {
  test("starts each and waits for it; a second time it only waits", async () => {
    const specs = [home.service("a", serverLines()), home.service("b", serverLines())];
    const { error, said, started } = await run(specs);
    expect([error, started]).toEqual([undefined, ["a", "b"]]);
    expect(said.sort()).toEqual(["a: ready after N s", "a: starting as process N", "b: ready after N s", "b: starting as process N"]);
    expect(await run(specs)).toEqual({ error: undefined, said: [], started: [], madeWay: [] });
  });

  test("throws what the first one throws, and waits no longer for the others", async () => {
    const { error, started } = await run([deaf("a", "60s"), dying("b")]);
    expect(error).toMatchObject({
      exit: "failed",
      message: 'Cannot start "b": its process ended with exit code 3 before it was ready',
      details: ["last words"],
    });
    // both are there for the caller to stop
    expect(started).toEqual(["a", "b"]);
  });

  test("points to the log only where it stays", async () => {
    expect((await run([dying("a")])).error?.hint).toBe("With --keep it stays for you to look at, log and all");
    expect((await run([dying("b")], { keep: true })).error?.hint).toBe("The whole log: harbor logs b");
  });

  test("ends with `timeout` for one that is not ready in time, which runs on with `keep` alone", async () => {
    for (const keep of [false, true]) {
      const handle = keep ? "kept" : "dropped";
      const { error } = await run([deaf(handle, "60s")], { keep, timeoutMs: 100 });
      expect(error).toMatchObject({
        exit: "timeout",
        message: expect.stringMatching(/: not ready within 0\.1 s; port \d+: nothing listens yet$/),
      });
      expect((await home.report(handle)).pid === null).toBe(!keep);
    }
  });

  test("only warns of one that another call started and that does not answer", async () => {
    const spec = deaf("a", "100ms");
    expect((await run([spec], { keep: true })).error).toMatchObject({ exit: "timeout" });
    const { error, said } = await run([spec], { isBystander: () => true });
    expect(error).toBeUndefined();
    expect(said).toEqual(["a runs, but does not answer; `harbor logs a` may say why"]);
  });

  test("waits for one that runs and is not well to be so again, and no longer than for a start", async () => {
    const contract = "ready: { exec: [test, -e, well], interval: 10ms, start_interval: 10ms, failures: 1, timeout: 300ms }";
    const spec = home.service("a", contract, "touch well; exec sleep 60");
    await run([spec]);
    rmSync(home.file("a", "well"));
    await home.untilState("a", "unhealthy");
    for (let turn = 0; turn < 2; turn++)
      expect((await run([spec])).error).toMatchObject({ exit: "timeout", message: expect.stringContaining("not ready within 0.3 s") });
    writeFileSync(home.file("a", "well"), "");
    expect(await run([spec])).toMatchObject({ error: undefined, started: [] });
  });

  test("says of one that somebody stops meanwhile that it does not run", async () => {
    const running = run([deaf("a", "60s")]);
    await until(async () => (await home.client.services()).some((it) => it.pid !== null), "its process");
    await home.stop("a");
    expect((await running).error?.message).toBe('Cannot start "a": it was stopped meanwhile (it was asked to stop)');
  });

  test("names what it has started, however early it is interrupted", async () => {
    const spec = deaf("a", "60s");
    const controller = new AbortController();
    const running = run([spec], { signal: controller.signal });
    controller.abort();
    expect(await running).toMatchObject({ error: { exit: "interrupted" }, started: ["a"] });
    expect(await run([deaf("b", "60s")], { signal: controller.signal })).toMatchObject({ error: { exit: "interrupted" }, started: [] });
  });

  test("waits for one that is to do its work and end, and no longer than for that", async () => {
    const job = home.service("job", "restart: { policy: 'no' }", "echo done");
    const { error, said } = await run([job], { isCompleting: () => true });
    expect([error, said.at(-1)]).toEqual([undefined, "job: completed"]);
  });

  test("says what another waits for", async () => {
    const slow = home.service("slow", serverLines("", "await Bun.sleep(100)"));
    const { said } = await run([home.service("web", "depends_on: { slow: { condition: service_healthy } }", "exec sleep 60"), slow]);
    expect(said).toContain('web: waits for "slow" to be ready');
  });

  test("starts anew what is configured otherwise, and says what is different; other rules are applied as it goes", async () => {
    const spec = home.service("a", serverLines("env: { MOOD: good }"));
    await run([spec]);
    const pid = await home.pid("a");
    const rules = { ...spec, restart: { ...spec.restart, max: 2 } };
    expect(await run([rules])).toMatchObject({ said: ["a: goes on with another restart policy"], started: [], madeWay: [] });
    expect(await home.pid("a")).toBe(pid);
    const { said, started, madeWay } = await run([{ ...rules, env: { ...spec.env, MOOD: "bad" } }]);
    expect(said[0]).toBe("a: its configuration has changed (variable MOOD): starting it anew");
    expect([started, madeWay]).toEqual([["a"], ["a"]]);
    expect(await home.pid("a")).not.toBe(pid);
  });

  test("ends when it is interrupted; the service goes on starting", async () => {
    const controller = new AbortController();
    const running = run([deaf("a", "60s")], { signal: controller.signal });
    await until(async () => (await home.client.services()).some((it) => it.pid !== null), "its process");
    controller.abort();
    expect((await running).error).toMatchObject({ exit: "interrupted" });
    expect((await home.report("a")).state).toBe("starting");
  });
});
