/** The supervisor without its socket, in this process, where its clock can be moved. */
import { afterEach, expect, spyOn, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildEnvironment, type NativeSpec } from "../../../routines/native/resolve-contract.ts";
import { Supervisor } from "../../../routines/supervisor/_supervisor.ts";
import type { ServiceReport } from "../../../routines/supervisor/report.ts";
import { until } from "../../_until.ts";
import { type TestHome, useHomes } from "./_home.ts";

const newHome = useHomes();

/** One in this process; what it runs is stopped by a real one in the end. */
function open(home: TestHome) {
  const troubles: string[] = [];
  const supervisor = new Supervisor({
    stateDirectory: home.state,
    onTrouble: (text) => void troubles.push(text),
    onChange: () => undefined,
    onQuiet: () => undefined,
  });
  const environment = buildEnvironment(home.env);
  const want = (...specs: NativeSpec[]) =>
    supervisor.want(
      specs.map((spec) => ({ spec, environment })),
      {},
    );
  const report = (handle: string): ServiceReport => supervisor.reports([handle])[0] as ServiceReport;
  const untilState = (handle: string, state: string) => until(() => report(handle).state === state, `${handle} ${state}`);
  return { supervisor, troubles, want, report, untilState };
}

let clock: { mockRestore(): void } | undefined;
afterEach(() => clock?.mockRestore());

/** As after a laptop has slept. */
function moveClock(ms: number): void {
  const now = performance.now.bind(performance);
  clock = spyOn(performance, "now").mockImplementation(() => now() + ms);
}

test("a clock that jumps by an hour has nothing unhealthy, late or given up; all goes on as it was", async () => {
  const home = newHome();
  const { supervisor, want, report, untilState } = open(home);
  const probes =
    "live: { exec: [test, '!', -e, dead], interval: 1h, failures: 1 }\nready: { exec: [test, '!', -e, sick], interval: 1h, failures: 1 }";
  await want(
    home.service("up", probes, "exec sleep 60"),
    home.service("starting", "ready: { exec: [test, -e, go], timeout: 60s, start_interval: 10ms }", "exec sleep 60"),
    home.service("crashed", "restart: { backoff: 30s..30s, max: 1 }", "test -e once || { touch once; exit 3; }; exec sleep 60"),
  );
  await untilState("up", "ready");
  await untilState("starting", "starting");
  await untilState("crashed", "backing-off");
  const { pid } = report("up");
  moveClock(3_600_000);
  supervisor.tell({ kind: "tick" });
  // what was due by then is asked anew, and answers
  const first = ["up", "starting"].map((handle) => report(handle).state);
  expect(first).toEqual(["ready", "starting"]);
  writeFileSync(home.file("starting", "go"), "");
  await untilState("starting", "ready");
  expect(report("up")).toMatchObject({ state: "ready", pid, run: 1, restarts: 0 });
  expect(report("starting")).toMatchObject({ run: 1, isLate: false });
  expect(report("crashed").state).not.toBe("failed");
  await supervisor.close();
});

test("what cannot be noted is told, and noted as soon as it can be; until then nobody takes it for done", async () => {
  const home = newHome();
  const { supervisor, troubles, want, untilState } = open(home);
  await want(home.service("a", "", "exec sleep 60"));
  await untilState("a", "ready");
  const path = join(home.state, "native/a/service.json");
  rmSync(path);
  mkdirSync(path);
  supervisor.stop(["a"], { forget: false });
  await untilState("a", "stopped");
  expect(troubles[0]).toStartWith(`Cannot write "${path}": `);
  expect([supervisor.isQuiet, home.processes().length]).toEqual([false, 0]);
  rmdirSync(path);
  await until(() => supervisor.isQuiet, "it is noted");
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({ state: "stopped", isWanted: false });
  await supervisor.close();
});

test("nothing is started that a supervisor after us could not find again", async () => {
  const home = newHome();
  const { supervisor, want, report, untilState } = open(home);
  const path = join(home.state, "native/a/service.json");
  mkdirSync(path, { recursive: true });
  await want(home.service("a", "pre_start: { command: [touch, before] }", "exec sleep 60"), home.service("b", "", "exec sleep 60"));
  await untilState("a", "failed");
  await untilState("b", "ready");
  expect(report("a").why).toStartWith(`its pre_start failed: it cannot be noted: Cannot write "${path}": `);
  expect([home.processes().length, existsSync(home.file("a", "before"))]).toEqual([1, false]);
  rmdirSync(path);
  await supervisor.close();
});
