import { describe, expect, test } from "bun:test";
import { nextDue, nextPauseMs } from "../../../routines/supervisor/_machine.ts";
import { type Adopted, mayRun, type Policy, type Service } from "../../../routines/supervisor/_service.ts";
import { History, LIVE, policyOf, READY } from "./_world.ts";

describe("a start", () => {
  test("goes from pending by way of starting to ready", () => {
    const history = new History().want("a");
    expect(history.todo()).toEqual(["spawn a"]);
    expect(history.spawned("a").state("a")).toBe("starting");
    expect(history.pass().todo()).toEqual(["probe ready a"]);
    expect(history.probed("a").state("a")).toBe("ready");
    expect(history.get("a").why).toBe("it answers as it should");
  });

  test("without a probe is over as soon as the process runs", () => {
    expect(new History().want("a", { ready: undefined }).spawned("a").state("a")).toBe("ready");
  });

  test("asks soon at first and ever less often", () => {
    const history = new History().want("a").spawned("a").pass();
    const pauses: number[] = [];
    for (let i = 0; i < 500; i++) {
      history.probed("a", "nothing listens yet");
      const before = history.at;
      history.pass();
      pauses.push(Math.round(history.at - before));
    }
    expect(pauses[0]).toBe(20);
    expect(pauses.at(-1)).toBe(200);
    expect(pauses.toSorted((a, b) => a - b)).toEqual(pauses);
  });

  test("waits for as many good answers in a row as are asked for", () => {
    const history = new History().want("a", { ready: { ...READY, successes: 2 } }).spawned("a");
    history.probed("a").probed("a", "503");
    expect(history.probed("a").state("a")).toBe("starting");
    expect(history.probed("a").state("a")).toBe("ready");
  });

  test("asks nothing before its start period", () => {
    const history = new History().want("a", { ready: { ...READY, startPeriodMs: 3_000 } }).spawned("a");
    expect(history.pass(2_999).todo()).toEqual([]);
    expect(history.pass(1).todo()).toEqual(["probe ready a"]);
  });

  test("that is not over by the deadline fails, with what was seen last", () => {
    const history = new History().want("a").spawned("a").probed("a", "GET / answered 503");
    for (let i = 0; i < 70 && history.state("a") === "starting"; i++) {
      history.pass(1_000);
      if (history.todo().includes("probe ready a")) history.probed("a", "GET / answered 503");
    }
    expect(history.at).toBe(60_000);
    expect(history.todo()).toEqual(["end a"]);
    expect(history.ended("a").state("a")).toBe("failed");
    expect(history.get("a").why).toBe("not ready within 60 s; GET / answered 503");
  });

  test("whose process ends before it was ready is not tried again", () => {
    const history = new History().want("a").spawned("a").exited("a", 9);
    expect(history.todo()).toEqual(["end a"]);
    expect(history.ended("a").state("a")).toBe("failed");
    expect(history.get("a").why).toBe("its process ended with exit code 9 before it was ready");
  });

  test("whose process goes to the background and ends with 0 fails as well", () => {
    expect(new History().want("a").spawned("a").exited("a", 0).ended("a").state("a")).toBe("failed");
  });

  test("that cannot even begin has failed", () => {
    const history = new History().want("a");
    history.tell({ kind: "spawnFailed", handle: "a", run: 1, why: "port 1 is taken" });
    // its pre_start may have left something
    expect(history.todo()).toEqual(["end a"]);
    history.ended("a");
    expect([history.state("a"), history.get("a").why]).toEqual(["failed", "port 1 is taken"]);
  });

  test("is asked for again after it failed", () => {
    const history = new History().want("a").spawned("a").exited("a").ended("a").want("a");
    expect(history.todo()).toEqual(["spawn a"]);
    expect(history.get("a").run).toBe(2);
  });

  test("is told by an event where the contract asks for a log line or sd_notify", () => {
    const history = new History().want("a", { ready: { ...READY, how: "event" } }).spawned("a");
    expect(history.pass(1_000).todo()).toEqual([]);
    expect(history.probed("a").state("a")).toBe("ready");
  });
});

describe("pre_start and post_stop", () => {
  test("pre_start runs before the process, once, and not when it restarts by itself", () => {
    const history = new History().want("a", { hasPreStart: true });
    expect(history.todo()).toEqual(["hook preStart a"]);
    expect(history.state("a")).toBe("starting");
    history.tell({ kind: "hookEnded", handle: "a", run: 1, hook: "preStart" });
    expect(history.todo()).toEqual(["spawn a"]);
    history.spawned("a").probed("a").exited("a").ended("a").pass();
    expect(history.todo()).toEqual(["spawn a"]);
  });

  test("a failed pre_start fails the start, and what it left is ended", () => {
    const history = new History().want("a", { hasPreStart: true });
    history.tell({ kind: "hookEnded", handle: "a", run: 1, hook: "preStart", problem: "exit code 3" });
    expect(history.todo()).toEqual(["end a"]);
    expect(history.ended("a").state("a")).toBe("failed");
    expect(history.get("a").why).toBe("its pre_start failed: exit code 3");
  });

  test("post_stop runs after every end", () => {
    const history = new History().up("a", { hasPostStop: true }).tell({ kind: "unwant", handle: "a" }).ended("a");
    expect([history.state("a"), ...history.todo()]).toEqual(["stopping", "hook postStop a"]);
    history.tell({ kind: "hookEnded", handle: "a", run: 1, hook: "postStop", problem: "exit code 1" });
    expect(history.state("a")).toBe("stopped");
  });

  test("a stop while pre_start runs ends it, and nothing is started", () => {
    const history = new History().want("a", { hasPreStart: true }).tell({ kind: "unwant", handle: "a" });
    expect(history.todo()).toEqual(["end a"]);
    history.tell({ kind: "hookEnded", handle: "a", run: 1, hook: "preStart", problem: "SIGTERM" });
    expect(history.ended("a").state("a")).toBe("stopped");
  });
});

describe("a restart by itself", () => {
  test("comes after a wait that doubles each time", () => {
    const history = new History().up("a");
    const waits: number[] = [];
    for (let i = 0; i < 5; i++) {
      history.exited("a").ended("a");
      expect(history.state("a")).toBe("backing-off");
      const before = history.at;
      expect(history.pass().todo()).toEqual(["spawn a"]);
      waits.push(history.at - before);
      history.spawned("a").probed("a");
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
  });

  test("waits no longer than the longest wait, and less by chance", () => {
    const history = new History()
      .up("a", { backoffMs: { first: 500, longest: 600 } })
      .exited("a")
      .ended("a")
      .pass();
    history.spawned("a").probed("a");
    const { run } = history.get("a");
    history.tell({ kind: "exited", handle: "a", run, exit: { code: 1, signal: null }, random: 0.5 }).ended("a");
    expect((nextDue(history.world) ?? 0) - history.at).toBe(525);
  });

  test("ends when its restarts are used up", () => {
    const history = new History().up("a", { max: 2 });
    for (let i = 0; i < 2; i++) history.exited("a").ended("a").pass().spawned("a").probed("a");
    expect(history.exited("a", null, "SIGSEGV").ended("a").state("a")).toBe("failed");
    expect(history.get("a").why).toBe("its process ended by SIGSEGV; its 2 restarts are used up");
  });

  test("counts anew after a time of health", () => {
    const history = new History().up("a", { max: 1 }).exited("a").ended("a").pass().spawned("a").probed("a");
    for (let i = 0; i < 6; i++) history.pass(10_000).probed("a");
    expect(history.get("a").restarts).toBe(0);
    expect(history.exited("a").ended("a").state("a")).toBe("backing-off");
  });

  test("does not count anew while it is unhealthy", () => {
    const history = new History().up("a", { max: 1 }).exited("a").ended("a").pass().spawned("a").probed("a");
    for (let i = 0; i < 10; i++) history.pass(10_000).probed("a", "503");
    expect([history.get("a").restarts, history.state("a")]).toEqual([1, "unhealthy"]);
  });

  test("does not come with the policy `no`, nor after exit code 0 with `on-failure`, but with `always`", () => {
    expect(new History().up("a", { restart: "no" }).exited("a").ended("a").state("a")).toBe("failed");
    expect(new History().up("a").exited("a", 0).ended("a").state("a")).toBe("stopped");
    expect(new History().up("a", { restart: "always" }).exited("a", 0).ended("a").state("a")).toBe("backing-off");
  });

  test("that cannot begin, as its port is taken meanwhile, is tried again", () => {
    const history = new History().up("a").exited("a").ended("a").pass();
    history.tell({ kind: "spawnFailed", handle: "a", run: 2, why: "port 1 is taken" }).ended("a");
    expect([history.state("a"), history.get("a").why]).toEqual(["backing-off", "port 1 is taken"]);
    expect(history.pass().todo()).toEqual(["spawn a"]);
  });

  test("waits until what the process left behind has ended", () => {
    const history = new History().up("a").exited("a");
    expect(history.todo()).toEqual(["end a"]);
    history.pass(10_000);
    expect([history.state("a"), ...history.todo()]).toEqual(["stopping"]);
    history.ended("a");
    expect(history.pass(0).todo()).toEqual(["spawn a"]);
  });

  test("is cut short by `up`, and given up by `stop`", () => {
    const history = new History().up("a").exited("a").ended("a");
    expect(history.want("a").todo()).toEqual(["spawn a"]);
    history.spawned("a").probed("a").exited("a").ended("a").tell({ kind: "unwant", handle: "a" });
    expect([history.state("a"), nextDue(history.world)]).toEqual(["stopped", undefined]);
  });
});

describe("health", () => {
  test("a ready service is unhealthy after as many bad answers as are allowed, and ready again after a good one", () => {
    const history = new History().up("a");
    history.pass().probed("a", "503").pass().probed("a", "503");
    expect(history.state("a")).toBe("ready");
    expect(history.pass().probed("a", "503").state("a")).toBe("unhealthy");
    expect(history.get("a").why).toBe("503");
    expect(history.pass().probed("a").state("a")).toBe("ready");
  });

  test("an unhealthy service that is asked for again is late after as long as a start may take, and runs on", () => {
    const history = new History().up("a");
    for (let i = 0; i < 3; i++) history.pass(10_000).probed("a", "503");
    history.want("a");
    expect([history.state("a"), history.get("a").isLate]).toEqual(["unhealthy", false]);
    for (let i = 0; i < 6; i++) history.pass(10_000).probed("a", "503");
    expect([history.state("a"), history.get("a").isLate, history.get("a").why]).toEqual(["unhealthy", true, "not ready within 60 s; 503"]);
    expect(history.pass(10_000).probed("a").get("a")).toMatchObject({ isHealthy: true, isLate: false, why: "it answers again" });
    // one that recovers in time is not late
    for (let i = 0; i < 3; i++) history.pass(10_000).probed("a", "503");
    history.want("a").pass(10_000).probed("a");
    for (let i = 0; i < 9; i++) history.pass(10_000).probed("a");
    expect(history.get("a")).toMatchObject({ isHealthy: true, isLate: false });
  });

  test("being unhealthy restarts nothing; not being alive does", () => {
    const history = new History().up("a", { live: LIVE });
    for (let i = 0; i < 9; i++) history.pass(10_000).probed("a", "503");
    expect(history.state("a")).toBe("unhealthy");
    history.probed("a", "no answer", "live").probed("a", "no answer", "live");
    expect(history.todo()).toEqual([]);
    expect(history.probed("a", "no answer", "live").todo()).toEqual(["end a"]);
    expect(history.ended("a").state("a")).toBe("backing-off");
    expect(history.get("a").why).toBe("not alive: no answer");
  });

  test("liveness does not count within its start period", () => {
    const history = new History().up("a", { live: { ...LIVE, startPeriodMs: 60_000, failures: 1 } });
    expect(history.pass(10_000).probed("a", "no answer", "live").state("a")).toBe("ready");
    for (let i = 0; i < 5; i++) history.pass(10_000).probed("a");
    expect(history.probed("a", "no answer", "live").todo()).toEqual(["end a"]);
  });

  test("one attempt at a time: none is due while one is under way", () => {
    const history = new History().up("a").pass();
    expect(history.todo()).toEqual(["probe ready a"]);
    expect(nextDue(history.world)).toBeUndefined();
  });

  test("a laptop that slept an hour has nothing unhealthy, late or used up", () => {
    const history = new History()
      .up("a", { live: { ...LIVE, failures: 1 } })
      .want("b")
      .spawned("b")
      .up("c")
      .exited("c")
      .ended("c");
    history.pass(100);
    const { epoch } = history.get("a");
    history.pass(3_600_000);
    expect(["a", "b", "c"].map((handle) => history.state(handle))).toEqual(["ready", "starting", "starting"]);
    // the answer to what was asked before the sleep
    history.tell({ kind: "probed", handle: "a", run: 1, probe: "live", epoch, problem: "no answer" });
    expect(history.state("a")).toBe("ready");
    // as much of the minute is left as there was before
    expect(history.get("b").timers.deadline).toBeGreaterThan(history.at + 59_000);
  });
});

describe("what a process says of itself", () => {
  const DEGRADED = { isDegraded: true, status: "no text to speech" } as const;

  test("that a part of it is missing is another state than ready, with its own words as the reason; nothing is done for it", () => {
    const history = new History().up("a").pass(3);
    history.said("a", DEGRADED);
    expect(history.get("a")).toMatchObject({ why: "no text to speech", since: history.at, isHealthy: true });
    expect([history.state("a"), history.todo()]).toEqual(["degraded", []]);
    const { at } = history;
    history.pass(5).said("a", { status: "still no text to speech" });
    expect(history.get("a")).toMatchObject({ why: "still no text to speech", since: at });
    history.pass(5).said("a", { isDegraded: false, status: "all of it" });
    expect(history.get("a")).toMatchObject({ why: "it says that it is well again", since: history.at, status: "all of it" });
    expect([history.state("a"), history.todo()]).toEqual(["ready", []]);
  });

  test("has a reason where it says none", () => {
    expect(new History().up("a").said("a", { isDegraded: true }).get("a").why).toBe("it says that a part of it is missing");
  });

  test("may come before it is ready: it is then degraded from the first, and what waits for it starts", () => {
    const history = new History().want("a").want("b", { dependsOn: { a: "service_healthy" } });
    history.spawned("a").said("a", DEGRADED);
    expect([history.state("a"), history.state("b")]).toEqual(["starting", "pending"]);
    expect(history.probed("a").todo()).toEqual(["spawn b"]);
    expect([history.state("a"), history.get("a").why]).toEqual(["degraded", "no text to speech"]);
  });

  test("is unhealthy all the same where it does not answer, and degraded again once it does", () => {
    const history = new History().up("a").said("a", DEGRADED);
    for (let i = 0; i < 3; i++) history.pass(10_000).probed("a", "503");
    expect([history.state("a"), history.get("a").why]).toEqual(["unhealthy", "503"]);
    expect([history.pass().probed("a").state("a"), history.get("a").why]).toEqual(["degraded", "no text to speech"]);
  });

  test("counts as health: the count of restarts begins anew", () => {
    const history = new History().up("a", { max: 1 }).exited("a").ended("a").pass().spawned("a").probed("a").said("a", DEGRADED);
    for (let i = 0; i < 6; i++) history.pass(10_000).probed("a");
    expect([history.get("a").restarts, history.state("a")]).toEqual([0, "degraded"]);
  });

  test("holds for as long as its process runs, and for no other", () => {
    const said = ({ status, isDegraded }: Service): unknown[] => [status, isDegraded];
    const history = new History().up("a").said("a", DEGRADED).tell({ kind: "unwant", handle: "a" });
    expect(said(history.get("a"))).toEqual(["no text to speech", true]);
    expect(said(history.exited("a", 0).get("a"))).toEqual(["", false]);
    const crashed = new History().up("a").said("a", DEGRADED).exited("a").ended("a").pass().spawned("a");
    expect([crashed.probed("a").state("a"), ...said(crashed.get("a"))]).toEqual(["ready", "", false]);
    crashed.tell({ kind: "said", handle: "a", run: 1, ...DEGRADED });
    expect(crashed.state("a")).toBe("ready");
  });

  test("is not undone by a stop that is taken back", () => {
    const told = { ready: { ...READY, how: "event" } } as const;
    const history = new History().up("a", told).up("b", { dependsOn: { a: "service_started" } });
    history.said("a", DEGRADED).tell({ kind: "unwant", handle: "b" }).tell({ kind: "unwant", handle: "a" });
    expect(history.want("a", told).state("a")).toBe("degraded");
  });
});

describe("more time", () => {
  const event = { ready: { ...READY, how: "event" } } as const;

  test("puts the deadline of a start off, never forward, for as long as it is asked for again", () => {
    const history = new History().want("a", event).spawned("a").pass(50_000).said("a", { extendMs: 1_000 });
    expect(history.get("a").timers.deadline).toBe(60_000);
    for (let i = 0; i < 10; i++) history.said("a", { extendMs: 60_000 }).pass(50_000);
    expect([history.at, history.state("a")]).toEqual([550_000, "starting"]);
    expect(history.probed("a").state("a")).toBe("ready");
  });

  test("is over when it is over, which the reason says", () => {
    const history = new History().want("a", event).spawned("a").pass(59_000).said("a", { extendMs: 600_000 });
    expect(history.pass(599_000).state("a")).toBe("starting");
    expect([history.pass().todo(), history.get("a").afterWhy]).toEqual([["end a"], "not ready within the 600 s that it asked for last"]);
  });

  test("is not given where somebody has said how long to wait, nor to one that waits for nothing", () => {
    const fixed = { ready: { ...READY, how: "event", isExtensible: false } } as const;
    const history = new History().want("a", fixed).spawned("a").said("a", { extendMs: 600_000 });
    expect([history.pass().todo(), history.get("a").afterWhy]).toEqual([["end a"], "not ready within 60 s"]);
    expect(new History().up("a", event).said("a", { extendMs: 600_000 }).get("a").timers).toEqual({});
  });

  test("is asked for anew by each process", () => {
    const history = new History().up("a", event).exited("a").ended("a").pass().spawned("a").said("a", { extendMs: 600_000 });
    history.exited("a").ended("a").pass().spawned("a");
    expect(history.pass().get("a").why).toBe("not ready within 60 s");
  });
});

describe("a stop", () => {
  test("ends the session, and comes to rest", () => {
    const history = new History().up("a").tell({ kind: "unwant", handle: "a" });
    expect([history.state("a"), ...history.todo()]).toEqual(["stopping", "end a"]);
    expect(history.exited("a", 0).todo()).toEqual([]);
    expect(history.ended("a").state("a")).toBe("stopped");
  });

  test("that even SIGKILL does not bring about has failed, and says who is left", () => {
    const history = new History().up("a").tell({ kind: "unwant", handle: "a" });
    history.tell({ kind: "ended", handle: "a", run: 1, survivors: "pid 7 does not end" });
    expect([history.state("a"), history.get("a").why]).toEqual(["failed", "pid 7 does not end"]);
  });

  test("that did not succeed is tried again by the next, and nothing is started beside what is left", () => {
    const history = new History().up("a").tell({ kind: "unwant", handle: "a" });
    const survive = (): History => history.tell({ kind: "ended", handle: "a", run: 1, survivors: "pid 7 does not end" });
    expect([survive().state("a"), history.tell({ kind: "unwant", handle: "a" }).todo()]).toEqual(["failed", ["end a"]]);
    expect([survive().state("a"), history.want("a").todo()]).toEqual(["failed", ["end a"]]);
    expect(history.ended("a").todo()).toEqual(["spawn a"]);
  });

  test("that waits for others is undone by `up`: one that was ready is so still, and one that can be asked is", () => {
    const leave = (policy: Partial<Policy>): History =>
      new History()
        .up("a", policy)
        .up("b", { dependsOn: { a: "service_started" } })
        .tell({ kind: "unwant", handle: "b" })
        .tell({ kind: "unwant", handle: "a" });
    const told = { ready: { ...READY, how: "event" } } as const;
    expect([leave({}).state("a"), leave(told).want("a", told).state("a")]).toEqual(["stopping", "ready"]);
    expect(leave({}).want("a").pass(0).todo()).toEqual(["probe ready a"]);
  });

  test("is undone by `up` while it is under way: it is started again once it has ended", () => {
    const history = new History().up("a").tell({ kind: "unwant", handle: "a" }).want("a");
    expect(history.state("a")).toBe("stopping");
    expect(history.ended("a").todo()).toEqual(["spawn a"]);
  });

  test("a restart ends one process before it starts the other", () => {
    const history = new History().up("a").tell({ kind: "restart", handle: "a", policy: policyOf() });
    expect(history.todo()).toEqual(["end a"]);
    expect(history.ended("a").todo()).toEqual(["spawn a"]);
    expect(history.get("a").run).toBe(2);
  });

  test("what an earlier process is told of changes nothing", () => {
    const history = new History().up("a").tell({ kind: "restart", handle: "a", policy: policyOf() }).ended("a").spawned("a").probed("a");
    history.tell({ kind: "exited", handle: "a", run: 1, exit: { code: 1, signal: null } });
    expect(history.state("a")).toBe("ready");
  });
});

describe("dependencies", () => {
  test.each([
    ["service_started", "starting"],
    ["service_healthy", "ready"],
  ] as const)("%s waits until the other is %s", (condition, state) => {
    const history = new History().want("b", { dependsOn: { a: condition } });
    history.want("a");
    expect([history.state("b"), history.get("b").why]).toEqual(["pending", expect.stringContaining('waits for "a"')]);
    history.spawned("a");
    if (state === "ready") {
      expect(history.todo()).toEqual([]);
      history.probed("a");
    }
    expect(history.todo()).toContain("spawn b");
  });

  test("service_completed_successfully waits until the other has ended with 0", () => {
    const job = { ready: undefined, restart: "no" } as const;
    const history = new History().want("job", job).want("b", { dependsOn: { job: "service_completed_successfully" } });
    expect(history.spawned("job").state("b")).toBe("pending");
    expect(history.exited("job", 0).state("b")).toBe("starting");
    const failing = new History().want("job", job).want("b", { dependsOn: { job: "service_completed_successfully" } });
    failing.spawned("job").exited("job", 2).ended("job");
    expect([failing.state("b"), failing.get("b").why]).toEqual([
      "failed",
      '"job", which it depends on, has failed: its process ended with exit code 2',
    ]);
  });

  test("a container is what somebody tells of it", () => {
    const history = new History().want("a", { dependsOn: { db: "service_healthy" } });
    expect(history.tell({ kind: "external", name: "db", status: "started" }).state("a")).toBe("pending");
    expect(history.tell({ kind: "external", name: "db", status: "healthy" }).todo()).toEqual(["spawn a"]);
    const other = new History().want("a", { dependsOn: { db: "service_healthy" } });
    expect(other.tell({ kind: "external", name: "db", status: "failed" }).state("a")).toBe("failed");
  });

  test("a stop takes what depends on it first", () => {
    const history = new History().up("a").up("b", { dependsOn: { a: "service_started" } });
    history.tell({ kind: "unwant", handle: "a" }).tell({ kind: "unwant", handle: "b" });
    // told of `a` alone, it goes at once: `b` was not asked to stop
    const together = new History().up("a").up("b", { dependsOn: { a: "service_started" } });
    together.tell({ kind: "unwant", handle: "b" });
    expect(together.todo()).toEqual(["end b"]);
    together.tell({ kind: "unwant", handle: "a" });
    expect([together.state("a"), ...together.todo()]).toEqual(["stopping"]);
    expect(together.ended("b").todo()).toEqual(["end a"]);
  });

  test("a restart of one that waits for another leaves it waiting, and starts one copy once the other is there", () => {
    const history = new History().want("a").want("b", { dependsOn: { a: "service_healthy" } });
    for (let i = 0; i < 3; i++) {
      history.tell({ kind: "restart", handle: "b", policy: policyOf({ dependsOn: { a: "service_healthy" } }) });
      expect([history.state("b"), ...history.todo()]).toEqual(["pending"]);
    }
    expect(history.spawned("a").probed("a").todo()).toEqual(["spawn b"]);
    expect(history.get("b").run).toBe(1);
  });
});

describe("sleep on demand", () => {
  test("a quiet service is stopped, and started again when somebody connects", () => {
    const history = new History().up("a").tell({ kind: "idle", handle: "a", why: "nobody has talked to it for 30m" });
    expect(history.todo()).toEqual(["end a"]);
    expect(history.ended("a").state("a")).toBe("stopped");
    expect(history.get("a").why).toBe("nobody has talked to it for 30m");
    expect(history.tell({ kind: "connected", handle: "a" }).todo()).toEqual(["spawn a"]);
  });

  test("what depends on a sleeping service may start: its connection wakes it", () => {
    const history = new History().up("a").tell({ kind: "idle", handle: "a", why: "quiet" }).ended("a");
    expect(history.want("b", { dependsOn: { a: "service_healthy" } }).todo()).toEqual(["spawn b"]);
  });

  test("`up` lets it sleep, `stop` ends its sleep", () => {
    const history = new History().up("a").tell({ kind: "idle", handle: "a", why: "quiet" }).ended("a");
    expect(history.want("a").todo()).toEqual([]);
    history.tell({ kind: "unwant", handle: "a" });
    expect(history.tell({ kind: "connected", handle: "a" }).todo()).toEqual([]);
  });
});

describe("adoption", () => {
  const left: Adopted = {
    handle: "a",
    policy: policyOf(),
    run: 4,
    restarts: 0,
    wasReady: true,
    isWanted: true,
    isCompleted: false,
    isDegraded: false,
    status: "",
    state: "ready",
    why: "it answers as it should",
    isAsleep: false,
    wasSpawned: true,
    isAlive: true,
    isUnheard: false,
    random: 0,
  };

  test("one that said that a part of it is missing is degraded still, where it lives", () => {
    const degraded = { ...left, state: "degraded", status: "no voice", isDegraded: true, why: "no voice" } as const;
    const history = new History().tell({ kind: "adopt", service: degraded });
    expect(history.get("a")).toMatchObject({ phase: "up", isHealthy: true, status: "no voice", why: "no voice" });
    expect([history.state("a"), history.pass(0).todo()]).toEqual(["degraded", ["probe ready a"]]);
    const gone = new History().tell({ kind: "adopt", service: { ...degraded, isAlive: false } });
    expect(gone.get("a")).toMatchObject({ status: "", isDegraded: false });
  });

  test.each([
    ["a ready one stays ready, and is asked at once", {}, "ready", []],
    ["an unhealthy one stays so until it answers", { state: "unhealthy" }, "unhealthy", []],
    ["a starting one goes on starting", { state: "starting", wasReady: false }, "starting", []],
    ["one that has ended is restarted by its policy", { isAlive: false }, "stopping", ["end a"]],
    ["one being stopped is stopped", { isWanted: false, state: "stopping" }, "stopping", ["end a"]],
    ["one being restarted is ended first", { state: "stopping" }, "stopping", ["end a"]],
    ["a start cut short is cleaned up", { state: "starting", wasSpawned: false, isAlive: false, wasReady: false }, "stopping", ["end a"]],
    ["a job that had done its work does it once", { state: "stopping", isCompleted: true, isAlive: false }, "stopping", ["end a"]],
    ["a stopped one stays stopped", { state: "stopped", isAlive: false }, "stopped", []],
    ["a failed one stays failed", { state: "failed", isAlive: false }, "failed", []],
    ["a sleeping one sleeps on", { state: "stopped", isAsleep: true, isAlive: false }, "stopped", []],
  ] as const)("%s", (_what, differing, state, todo) => {
    const history = new History().tell({ kind: "adopt", service: { ...left, ...differing } });
    expect([history.state("a"), history.todo()]).toEqual([state, [...todo]]);
  });

  test("a start cut short is made again, once", () => {
    const history = new History();
    history.tell({ kind: "adopt", service: { ...left, state: "starting", wasSpawned: false, isAlive: false, wasReady: false } });
    expect(history.ended("a").todo()).toEqual(["spawn a"]);
    expect(history.get("a").run).toBe(5);
  });

  test("a job that had done its work when its supervisor ended is not started again", () => {
    const history = new History().tell({ kind: "adopt", service: { ...left, state: "stopping", isCompleted: true, isAlive: false } });
    expect(history.ended("a").todo()).toEqual([]);
    expect([history.state("a"), history.get("a").isCompleted]).toEqual(["stopped", true]);
  });

  test("one that says by itself that it is ready, and may have said so to nobody, is started anew", () => {
    const starting = { ...left, state: "starting", wasReady: false, isUnheard: true } as const;
    const history = new History().tell({ kind: "adopt", service: starting });
    expect([history.todo(), history.ended("a").todo()]).toEqual([["end a"], ["spawn a"]]);
  });

  test("one that was leaving is as ready as it was when it is asked for again", () => {
    const policy = { ready: { ...READY, how: "event" } } as const;
    const leaving = { ...left, policy: policyOf(policy), isWanted: false, state: "stopping" } as const;
    const other = {
      ...left,
      handle: "b",
      policy: policyOf({ dependsOn: { a: "service_started" } }),
      isWanted: false,
      state: "stopping",
    } as const;
    const history = new History().tell({ kind: "adopt", service: other }).tell({ kind: "adopt", service: leaving });
    expect(history.want("a", policy).state("a")).toBe("ready");
  });

  test("one that backed off goes on to its next restart", () => {
    const history = new History().tell({ kind: "adopt", service: { ...left, state: "backing-off", restarts: 2, isAlive: false } });
    expect(history.ended("a").pass(0).todo()).toEqual(["spawn a"]);
    expect(history.get("a").restarts).toBe(3);
  });

  test("one that ended unseen is not taken for a clean end", () => {
    const history = new History().tell({ kind: "adopt", service: { ...left, isAlive: false } }).ended("a");
    expect([history.state("a"), history.get("a").why]).toEqual(["backing-off", "its process ended"]);
  });
});

test("nextPauseMs() is a hundredth of the time taken, within bounds", () => {
  expect([0, 1_000, 5_000, 10_000, 60_000].map((ms) => nextPauseMs(ms, 200))).toEqual([20, 20, 50, 100, 200]);
  expect(nextPauseMs(0, 10)).toBe(10);
});

test("a stopped service alone is forgotten", () => {
  const history = new History().up("a").tell({ kind: "forget", handle: "a" });
  expect(mayRun(history.get("a"))).toBe(true);
  history.tell({ kind: "unwant", handle: "a" }).ended("a").tell({ kind: "forget", handle: "a" });
  expect(history.world.services.size).toBe(0);
});
