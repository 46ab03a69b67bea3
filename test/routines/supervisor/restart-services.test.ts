/** Restarts, asked for and by themselves; health that goes and comes back. */
import { describe, expect, test } from "bun:test";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { restartServices } from "../../../routines/supervisor/restart-services.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { listenOn, serverLines, useHomes } from "./_home.ts";

const newHome = useHomes();

const QUICK = "restart: { backoff: 20ms..20ms }";

describe("a restart that is asked for", () => {
  test("ends one process before it starts the other, as it was started", async () => {
    const home = newHome();
    const script = 'mkdir lock || { echo "two of them"; exit 1; }; trap "rmdir lock; exit 0" TERM; echo "up $MOOD"; sleep 60 & wait';
    await home.start([home.service("a", "env: { MOOD: good }", script)]);
    await home.untilLogged("a", "up good");
    const pid = await home.pid("a");
    const [restarted] = await home.restart("a");
    expect(restarted).toMatchObject({ state: "ready", run: 2, restarts: 0 });
    expect(restarted?.pid).not.toBe(pid);
    await until(async () => (await home.log("a")).length === 2, "its second line");
    expect(await home.log("a")).toEqual(["up good", "up good"]);
  });

  test("of one that was stopped, or has failed, starts it", async () => {
    const home = newHome();
    await home.start([
      home.service("a", "", "exec sleep 60"),
      home.service("b", "restart: { policy: 'no' }", "test -e good && exec sleep 60"),
    ]);
    await home.stop("a");
    await home.untilState("b", "failed");
    writeFileSync(home.file("b", "good"), "");
    expect((await home.restart("a", "b")).map(({ handle, state }) => [handle, state])).toEqual([
      ["a", "ready"],
      ["b", "ready"],
    ]);
  });

  test("that comes to nothing says why, with its last lines", async () => {
    const home = newHome();
    const lines = `port: ${freePort()}\nready: { exec: ['true'] }`;
    await home.start([home.service("a", lines, "test -e bad && { echo no model; exit 3; }; exec sleep 60")]);
    writeFileSync(home.file("a", "bad"), "");
    await expect(home.restart("a")).rejects.toMatchObject({
      message: 'Cannot start "a": its process ended with exit code 3 before it was ready',
      details: ["no model"],
    });
  });

  test("of one that still waits for another neither wedges it nor starts a second copy", async () => {
    const home = newHome();
    const base = home.service("base", `port: ${freePort()}\nready: { exec: [test, -e, go], start_interval: 10ms }`, "exec sleep 60");
    const web = home.service("web", "depends_on: { base: { condition: service_healthy } }", "echo up; exec sleep 60");
    const starting = home.start([base, web]);
    await until(async () => (await home.client.services()).some((it) => it.state === "starting"), "base starts");
    const restarts = Array.from({ length: 3 }, () => home.restart("web"));
    await home.until("web", (it) => it.why === 'waits for "base" to be ready', "it waits");
    expect(await home.report("web")).toMatchObject({ state: "pending", run: 0, pid: null });
    writeFileSync(home.file("base", "go"), "");
    await Promise.all([starting, ...restarts]);
    await home.untilLogged("web", "up");
    expect(await home.report("web")).toMatchObject({ state: "ready", run: 1 });
    expect([await home.log("web"), home.processes().length]).toEqual([["up"], 2]);
  });

  test("goes on when nobody waits for it any more", async () => {
    const home = newHome();
    await home.start([home.service("a", "", "exec sleep 60")]);
    const controller = new AbortController();
    const { home: at, env } = home;
    const restart = restartServices({ home: at, env, handles: ["a"], signal: controller.signal, onReport: () => controller.abort() });
    await expect(restart).rejects.toMatchObject({ exit: "interrupted" });
    await home.until("a", (it) => it.run === 2 && it.state === "ready", "its restart");
  });

  test("of a service that nobody has started says so", async () => {
    const home = newHome();
    await home.start([home.service("a", "", "exec sleep 60")]);
    await expect(home.restart("b")).rejects.toThrow('Cannot restart "b": it was never started');
  });

  test("where nothing was ever started does nothing, and starts no supervisor", async () => {
    const home = newHome();
    expect(await home.restart("a")).toEqual([]);
    expect(home.supervisors()).toEqual([]);
  });
});

describe("a crashed service", () => {
  test("comes back after its backoff, and says what happened meanwhile", async () => {
    const home = newHome();
    await home.start([home.service("a", `${QUICK}\nready: { exec: ['true'] }`, "exec sleep 60")]);
    process.kill(await home.pid("a"), "SIGKILL");
    const seen = new Set<string>();
    const report = await home.until(
      "a",
      (it) => {
        seen.add(`${it.state}: ${it.why}`);
        return it.state === "ready" && it.run === 2;
      },
      "its restart",
    );
    expect(report).toMatchObject({ restarts: 1 });
    expect([...seen]).toContain("backing-off: its process ended by SIGKILL");
  });

  test("is given up once its restarts are used up", async () => {
    const home = newHome();
    await home.start([home.service("a", "restart: { backoff: 10ms..10ms, max: 2 }", "echo up; exit 3")]);
    const report = await home.untilState("a", "failed");
    expect(report).toMatchObject({ why: "its process ended with exit code 3; its 2 restarts are used up", run: 3, pid: null });
    expect(await home.log("a")).toEqual(["up", "up", "up"]);
  });

  test("counts its restarts anew after a time of health", async () => {
    const home = newHome();
    await home.start([home.service("a", "restart: { backoff: 10ms..10ms, max: 1, reset_after: 50ms }", "exec sleep 60")]);
    for (const run of [2, 3]) {
      process.kill(await home.pid("a"), "SIGKILL");
      await home.until("a", (it) => it.run === run && it.state === "ready" && it.restarts === 0, `restart ${run}`);
    }
  });

  test.each([
    ["no", "exit 0", "stopped"],
    ["no", "exit 1", "failed"],
    ["on-failure", "exit 0", "stopped"],
    ["always", "test -e once || { touch once; exit 0; }; exec sleep 60", "ready"],
  ] as const)("with the policy %j: %s comes to %s", async (policy, script, state) => {
    const home = newHome();
    await home.start([home.service("a", `restart: { policy: "${policy}", backoff: 10ms..10ms }`, script)], { waitFor: { a: "settled" } });
    await home.until("a", (it) => it.state === state && (policy !== "always" || it.run === 2), state);
  });

  test("whose port another program has taken backs off, says so, and comes back once it is free", async () => {
    const home = newHome();
    const spec = home.service("a", serverLines(QUICK));
    await home.start([spec]);
    const port = spec.port ?? 0;
    process.kill(await home.pid("a"), "SIGKILL");
    {
      // whoever is quicker has the port
      using _taken = await until(() => listenOn(port), "the port is free");
      const { why } = await home.until("a", (it) => it.state === "backing-off" && it.why.includes("taken"), "it backs off");
      expect(why).toMatch(new RegExp(`^port ${port} is taken by pid ${process.pid} \\(`));
    }
    expect(await home.untilState("a", "ready")).toMatchObject({ port });
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  });
});

describe("health", () => {
  test("goes after as many bad answers as are allowed, with what was seen, and comes back; the process stays", async () => {
    const home = newHome();
    const lines = "ready: { exec: [sh, -c, '! test -e sick || { echo no answer; exit 1; }'], interval: 10ms, failures: 2 }";
    await home.start([home.service("a", lines, "exec sleep 60")]);
    const pid = await home.pid("a");
    writeFileSync(home.file("a", "sick"), "");
    expect(await home.untilState("a", "unhealthy")).toMatchObject({ why: "probe sh ended with exit code 1: no answer", pid });
    rmSync(home.file("a", "sick"));
    expect(await home.untilState("a", "ready")).toMatchObject({ why: "it answers again", pid, restarts: 0 });
  });

  test("that a liveness probe does not find ends the process, and the policy starts another", async () => {
    const home = newHome();
    const lines = `live: { exec: [sh, -c, '! test -e stuck'], interval: 10ms, failures: 2 }\n${QUICK}`;
    await home.start([home.service("a", lines, "rm -f stuck; echo up; exec sleep 60")]);
    await home.untilLogged("a", "up");
    writeFileSync(home.file("a", "stuck"), "");
    await until(async () => (await home.log("a")).length === 2, "its restart");
    expect([(await home.report("a")).restarts, existsSync(home.file("a", "stuck"))]).toEqual([1, false]);
  });

  test("of one that is stopped by SIGSTOP goes, and comes back with it", async () => {
    const home = newHome();
    await home.start([
      home.service("a", serverLines().replace("start_interval", "interval: 20ms, probe_timeout: 50ms, failures: 2, start_interval")),
    ]);
    const pid = await home.pid("a");
    process.kill(pid, "SIGSTOP");
    expect((await home.untilState("a", "unhealthy")).why).toMatch(/^GET http:\/\/127\.0\.0\.1:\d+\/ did not answer within 50 ms$/);
    process.kill(pid, "SIGCONT");
    expect(await home.untilState("a", "ready")).toMatchObject({ pid });
  });

  test("is in a file for the proxy to read, which nobody else can change", async () => {
    const home = newHome();
    await home.start([home.service("a", "", "exec sleep 60")]);
    const health = `${home.state}/health/a`;
    expect(await Bun.file(health).text()).toBe("ready\n");
    await home.stop("a");
    expect(await Bun.file(health).text()).toBe("stopped\n");
    await home.down("a");
    expect(existsSync(health)).toBe(false);
  });
});

describe("a contract that has changed", () => {
  test("is applied without a restart where only rules are different: another probe, another policy", async () => {
    const home = newHome();
    const script = "exec sleep 60";
    const before = home.service("a", "ready: { exec: [test, -e, a], interval: 10ms, failures: 1 }\nrestart: { policy: 'no' }", script);
    writeFileSync(home.file("a", "a"), "");
    await home.start([before]);
    const pid = await home.pid("a");
    const after = home.service("a", `ready: { exec: [test, '!', -e, b], interval: 10ms, failures: 1 }\n${QUICK}`, script);
    const { accepted } = await home.start([after]);
    expect(accepted).toEqual([{ handle: "a", wasUp: true, changes: ["readiness probe", "restart policy"], needsRestart: false }]);
    expect(await home.pid("a")).toBe(pid);
    // the new probe is what is asked from now on
    writeFileSync(home.file("a", "b"), "");
    await home.untilState("a", "unhealthy");
    rmSync(home.file("a", "b"));
    await home.untilState("a", "ready");
    // and the new policy is what holds
    process.kill(pid, "SIGKILL");
    expect(await home.until("a", (it) => it.run === 2 && it.state === "ready", "its restart")).toMatchObject({ restarts: 1 });
  });

  test("restarts that service alone, and says what is different but for values", async () => {
    const home = newHome();
    const service = (token: string) => home.service("a", `env: { TOKEN: ${token} }`, "echo $TOKEN; exec sleep 60");
    const other = home.service("b", "", "exec sleep 60");
    await home.start([service("one"), other]);
    await home.untilLogged("a", "one");
    const pid = await home.pid("b");
    const { accepted } = await home.start([service("two"), other]);
    expect(accepted.filter((it) => it.needsRestart)).toEqual([
      { handle: "a", wasUp: true, changes: ["variable TOKEN"], needsRestart: true },
    ]);
    await home.untilLogged("a", "two");
    expect([await home.pid("b"), home.processes().length]).toEqual([pid, 2]);
  });

  test("has its log kept by other limits from then on", async () => {
    const home = newHome();
    const service = (limits: string) =>
      home.service("a", `logs: { ${limits} }`, "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.002; done");
    await home.start([service("max_files: 1")]);
    await home.start([service("max_size: 4kB, max_files: 3")]);
    await until(() => [1, 2].some((number) => existsSync(`${home.state}/native/a/log.${number}.gz`)), "a rotated log");
  });
});

const socat = Bun.which("socat");

test.skipIf(socat === null)(
  "a program of the same kind that has taken the port of a crashed service is never ended (needs socat)",
  async () => {
    const home = newHome();
    const port = freePort();
    const words = [`TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`, "EXEC:cat"];
    const lines = `executable: socat\ndaemon_args: ${JSON.stringify(words)}\nport: ${port}\nready: { start_interval: 5ms }\n${QUICK}`;
    await home.start([home.service("a", lines)]);
    process.kill(await home.pid("a"), "SIGKILL");
    // somebody's own, in a session of its own, from the moment that the port is free
    const own = await until(async () => {
      const child = Bun.spawn([socat ?? "", ...words], { detached: true, stdout: "ignore", stderr: "ignore" });
      await Bun.sleep(20);
      return child.exitCode === null && child;
    }, "theirs has the port");
    await home.until("a", (it) => it.state === "backing-off" && it.why.includes("is taken by"), "it backs off");
    await home.stop("a");
    expect(own.exitCode).toBeNull();
    own.kill();
    await own.exited;
  },
);
