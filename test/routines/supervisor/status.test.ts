/** What services say of themselves by sd_notify(3), with a real supervisor and real programs. */
import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NativeSpec } from "../../../routines/native/resolve-contract.ts";
import { readService } from "../../../routines/supervisor/_store.ts";
import { until } from "../../_until.ts";
import { type TestHome, useHomes } from "./_home.ts";

const newHome = useHomes();

const SAY = `say() { printf "$1" | socat -u - "UNIX-SENDTO:$NOTIFY_SOCKET"; }
wait_for() { until [ -e "$1" ]; do sleep 0.01; done; }
`;
const speaker = (home: TestHome, handle: string, script: string, more = ""): NativeSpec =>
  home.service(handle, `ready: { notify: true }\n${more}`, SAY + script);
const touch = (home: TestHome, handle: string, name: string): void => writeFileSync(home.file(handle, name), "");
/** What a proxy in a container is told. */
const health = (home: TestHome, handle: string): string => readFileSync(join(home.state, "health", handle), "utf8").trim();

describe.skipIf(Bun.which("socat") === null)("(needs socat)", () => {
  describe("its status", () => {
    test("is shown while it starts and as long as it runs, fit for a terminal, and gone with its process", async () => {
      const home = newHome();
      const script = `say 'STATUS=\\033[31mfetching\\033]0;x\\a 43 %%\\n'; wait_for go; say 'READY=1\\nSTATUS=3 models'; wait_for over; exit 0`;
      const starting = home.start([speaker(home, "a", script)]);
      await until(() => home.processes().length > 0, "its process");
      const seen = await home.until("a", (it) => it.status !== "", "it has a status");
      expect(seen).toMatchObject({ state: "starting", status: "fetching 43 %" });
      touch(home, "a", "go");
      expect((await starting).last.a?.state).toBe("ready");
      await home.until("a", (it) => it.status === "3 models", "the later words");
      touch(home, "a", "over");
      expect((await home.untilState("a", "stopped")).status).toBe("");
      await until(() => home.supervisors().length === 0, "the supervisor leaves");
      expect((await home.report("a")).status).toBe("");
    });

    test("is kept, as that a part of it is missing is, by the supervisor that follows one that was killed", async () => {
      const home = newHome();
      const script =
        "say 'X_HARBOR_HEALTH=degraded\\nSTATUS=no voice\\nREADY=1'; wait_for go; say 'X_HARBOR_HEALTH=healthy\\nSTATUS=all there'; exec sleep 60";
      const { last } = await home.start([speaker(home, "a", script)]);
      const before = await home.report("a");
      expect(last.a).toMatchObject({ state: "degraded" });
      await home.kill();
      expect(await home.report("a")).toMatchObject({
        state: "degraded",
        why: "no voice",
        status: "no voice",
        pid: before.pid,
        since: before.since,
      });
      touch(home, "a", "go");
      expect(await home.untilState("a", "ready")).toMatchObject({ pid: before.pid, restarts: 0 });
    });

    test("of a service that floods is noted a few times a second, and the last of it is not lost", async () => {
      const home = newHome();
      const script = 'for i in $(seq 30); do say "STATUS=$i of 30"; done; wait_for go; say READY=1; exec sleep 60';
      let reports = 0;
      const events = new AbortController();
      const starting = home.start([speaker(home, "a", script)]);
      await until(() => home.processes().length > 0, "its process");
      const counting = (async () => {
        for await (const line of home.client.events(["a"], events.signal)) if (line.kind === "report") reports++;
      })();
      const startMs = performance.now();
      await home.until("a", (it) => it.status === "30 of 30", "the last of it");
      expect(reports).toBeLessThan(4 + (performance.now() - startMs) / 250);
      touch(home, "a", "go");
      await starting;
      events.abort();
      await counting;
    });
  });

  describe("a start that needs more time", () => {
    const within = (spec: NativeSpec, timeout: string): NativeSpec => ({ ...spec, ready: { ...spec.ready, timeout } });

    test("gets it", async () => {
      const home = newHome();
      const script = "say EXTEND_TIMEOUT_USEC=60000000; sleep 2.4; say READY=1; exec sleep 60";
      const { course } = await home.start([within(speaker(home, "a", script), "2s")]);
      expect(course.at(-1)).toBe("a ready");
    });

    test("fails once that is over", async () => {
      const home = newHome();
      const error = await home.failure(within(speaker(home, "a", "say EXTEND_TIMEOUT_USEC=2500000; exec sleep 60"), "2s"));
      expect(error).toMatchObject({ exit: "timeout", message: 'Cannot start "a": not ready within the 2.5 s that it asked for last' });
    });

    test("does not get it from whoever has said how long to wait", async () => {
      const home = newHome();
      const error = await home.failure(speaker(home, "a", "say EXTEND_TIMEOUT_USEC=60000000; exec sleep 60"), { timeoutMs: 500 });
      expect(error).toMatchObject({ exit: "timeout", message: 'Cannot start "a": not ready within 0.5 s' });
    });
  });

  test("a stop that needs more time gets it, though none of what was asked for before", async () => {
    const home = newHome();
    const polite = "trap 'say EXTEND_TIMEOUT_USEC=60000000; touch ending; wait_for go; exit 0' TERM";
    const begin = "say 'READY=1\\nEXTEND_TIMEOUT_USEC=60000000'";
    await home.start([
      speaker(home, "polite", `${polite}; ${begin}; while :; do sleep 0.01; done`, "stop: { grace: 1200ms }"),
      speaker(home, "deaf", `trap '' TERM; ${begin}; while :; do sleep 0.01; done`, "stop: { grace: 1200ms }"),
    ]);
    const stopping = home.stop();
    await home.untilState("deaf", "stopped");
    expect((await home.report("polite")).state).toBe("stopping");
    touch(home, "polite", "go");
    expect(await stopping).toEqual([
      { handle: "deaf", wasKilled: true },
      { handle: "polite", wasKilled: false },
    ]);
  });

  describe("one with a part of it missing", () => {
    test("lets others start and is of use to the proxy; it says so from the first, and once it is well again", async () => {
      const home = newHome();
      const script =
        "say 'READY=1\\nX_HARBOR_HEALTH=degraded\\nSTATUS=no text to speech'; wait_for go; say X_HARBOR_HEALTH=healthy; exec sleep 60";
      const a = speaker(home, "a", script);
      const b = home.service("b", "depends_on: { a: { condition: service_healthy } }", "exec sleep 60");
      const { course, last } = await home.start([a, b]);
      expect(course).not.toContain("a ready");
      expect([last.a?.state, last.a?.why, last.b?.state]).toEqual(["degraded", "no text to speech", "ready"]);
      expect(health(home, "a")).toBe("ready");
      expect((await home.start([a])).course).toEqual(["a degraded"]);
      touch(home, "a", "go");
      const { pid, why } = await home.untilState("a", "ready");
      expect([pid, why]).toEqual([last.a?.pid ?? 0, "it says that it is well again"]);
    });

    test("is restarted and unhealthy by the same rules as any other, and nothing of what it said holds for the next process", async () => {
      const home = newHome();
      const rules = "restart: { backoff: 20ms..20ms }\nlive: { notify: true, interval: 60s }\n";
      const probe = "ready: { exec: [test, '!', -e, sick], interval: 20ms, start_interval: 5ms, failures: 1 }";
      const script = "[ -e second ] || say 'X_HARBOR_HEALTH=degraded\\nSTATUS=no voice'; wait_for crash; rm crash; touch second; exit 1";
      await home.start([home.service("a", `${rules}${probe}`, SAY + script)]);
      await home.untilState("a", "degraded");
      touch(home, "a", "sick");
      expect((await home.untilState("a", "unhealthy")).why).toContain("probe test ended with exit code 1");
      expect(health(home, "a")).toBe("unhealthy");
      rmSync(home.file("a", "sick"));
      expect((await home.untilState("a", "degraded")).why).toBe("no voice");
      touch(home, "a", "crash");
      expect(await home.until("a", (it) => it.run === 2 && it.state === "ready", "its next process")).toMatchObject({ status: "" });
    });
  });
});

test("what an earlier version noted of a service says nothing of what that said", async () => {
  const home = newHome();
  await home.start([home.service("a", "", "exec sleep 60")]);
  await home.kill();
  const path = join(home.state, "native", "a", "service.json");
  const { status: _, isDegraded: __, ...stored } = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify(stored));
  expect(readService(home.state, "a")).toMatchObject({ status: "", isDegraded: false });
  expect(await home.report("a")).toMatchObject({ state: "ready", status: "" });
});
