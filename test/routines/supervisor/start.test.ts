/** What a start comes to, with real programs: ready by each kind of probe, or not, and why. */
import { describe, expect, test } from "bun:test";
import { readlinkSync, writeFileSync } from "node:fs";
import { isDead } from "../../../routines/_script/process-identity.ts";
import { listListeners } from "../../../routines/host/read-listeners.ts";
import type { NativeSpec } from "../../../routines/native/resolve-contract.ts";
import { readTable } from "../../../routines/native/session-members.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { serverLines, type TestHome, useHomes } from "./_home.ts";

const newHome = useHomes();

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

describe("ready", () => {
  test("without a question as soon as it runs", async () => {
    const home = newHome();
    const { course } = await home.start([home.service("a", "", "exec sleep 60")]);
    expect(course).toEqual(["a pending", "a starting", "a ready"].slice(-course.length));
    expect((await home.report("a")).why).toBe("it runs");
  });

  test("by HTTP, once it answers as it should", async () => {
    const home = newHome();
    const code = "let asked = 0; const fetch = () => new Response('', { status: asked++ < 3 ? 503 : 200 })";
    const lines = `executable: bun\ndaemon_args: [-e, "${code}; Bun.serve({ hostname: '127.0.0.1', port: process.env.PORT, fetch })"]`;
    const { last } = await home.start([
      home.service("a", `${lines}\nport: ${freePort()}\nready: { http: /health, status: 200, start_interval: 5ms }`),
    ]);
    expect(last.a).toMatchObject({ state: "ready", lastSeen: expect.stringMatching(/\/health answered 503, not 200$/) });
  });

  test("by a line of its log", async () => {
    const home = newHome();
    const script =
      "echo loading; echo 'model is' >&2; until [ -e go ]; do sleep 0.01; done; printf 'model is loaded\\n' >&2; exec sleep 60";
    const starting = home.start([home.service("a", "ready: { log: 'model is l[a-z]+d$' }", script)]);
    await home.untilLogged("a", "model is");
    expect((await home.report("a")).state).toBe("starting");
    writeFileSync(home.file("a", "go"), "");
    expect((await starting).last.a?.state).toBe("ready");
  });

  test.skipIf(Bun.which("socat") === null)("by sd_notify (needs socat)", async () => {
    const home = newHome();
    const say = (text: string): string => `printf '${text}' | socat -u - "UNIX-SENDTO:$NOTIFY_SOCKET"`;
    const script = `${say("STATUS=warming up")}; echo up; until [ -e go ]; do sleep 0.01; done; ${say("READY=1")}; exec sleep 60`;
    const starting = home.start([home.service("a", "ready: { notify: true }", script)]);
    await home.untilLogged("a", "up");
    expect((await home.report("a")).state).toBe("starting");
    writeFileSync(home.file("a", "go"), "");
    expect((await starting).last.a?.state).toBe("ready");
  });

  test("by a program of its own", async () => {
    const home = newHome();
    const spec = home.service(
      "a",
      "ready: { exec: [sh, -c, 'test -e done'], start_interval: 5ms }",
      "sleep 0.05; touch done; exec sleep 60",
    );
    expect((await home.start([spec])).last.a).toMatchObject({ state: "ready", lastSeen: "probe sh ended with exit code 1" });
  });

  test.skipIf(Bun.which("redis-server") === null)("redis-server, by a connection (needs redis-server)", async () => {
    const home = newHome();
    const port = freePort();
    const lines = `executable: redis-server\ndaemon_args: [--port, "${port}", --bind, 127.0.0.1, --save, ""]\nport: ${port}\nready: { start_interval: 5ms }`;
    expect((await home.start([home.service("redis", lines)])).last.redis?.state).toBe("ready");
    expect(await home.stop()).toEqual([{ handle: "redis", wasKilled: false }]);
  });

  test.skipIf(Bun.which("nginx") === null)("nginx with its workers, which all end with it (needs nginx)", async () => {
    const home = newHome();
    const spec = nginx(home, "daemon off;");
    expect((await home.start([spec])).last.web?.state).toBe("ready");
    expect(await (await fetch(`http://127.0.0.1:${spec.port}/`)).text()).toBe("it works");
    // they overwrite their environment: only the session tells whose they are
    const pid = await home.pid("web");
    const session = (): number => readTable().entries.filter((it) => it.session === pid && !isDead(it)).length;
    expect(session()).toBe(3);
    expect(await home.stop()).toEqual([{ handle: "web", wasKilled: false }]);
    expect(session()).toBe(0);
  });
});

/** With two workers; as its makers ship it, it goes to the background. */
function nginx(home: TestHome, more = ""): NativeSpec {
  const port = freePort();
  const lines = `executable: nginx\ndaemon_args: [-p, ., -c, nginx.conf, -e, error.log]\nport: ${port}\nready: { http: /, start_interval: 5ms }\nstop: { signal: SIGQUIT }`;
  const spec = home.service("web", lines);
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`).join(" ");
  const server = `server { listen 127.0.0.1:${port}; location / { return 200 "it works"; } }`;
  const http = `http { access_log off; ${paths} ${server} }`;
  writeFileSync(home.file("web", "nginx.conf"), `${more} worker_processes 2; pid nginx.pid; user root; events {} ${http}`);
  return spec;
}

describe("a start that comes to nothing", () => {
  test("as its program is not installed says how to install it", async () => {
    const home = newHome();
    expect(await home.failure(home.service("a", "executable: no-such-program\ninstall: { any: get it from the shop }"))).toMatchObject({
      exit: "missing",
      message: 'Cannot start "a": "no-such-program" is not installed, or not on PATH',
      hint: "Install it: get it from the shop",
    });
    expect(await home.report("a")).toMatchObject({ state: "failed", pid: null });
  });

  test.each([
    ["is not executable", "#!/bin/sh\n", 0o644, "is no program that can be run", /^Make it executable: chmod \+x /],
    ["is in no format of this system's", "\x7fELF", 0o755, "it is in no format that this system runs", /^Use a build of it/],
  ])("as its program %s says so", async (_, text, mode, state, hint) => {
    const home = newHome();
    const spec = home.service("a", "executable: ./program");
    writeFileSync(home.file("a", "program"), text, { mode });
    const error = { exit: "missing", message: expect.stringContaining(state), hint: expect.stringMatching(hint) };
    expect(await home.failure(spec)).toMatchObject(error);
    expect(await home.report("a")).toMatchObject({ state: "failed", pid: null });
  });

  test("as its process ends at once shows its exit code and its last lines, whatever post_stop says", async () => {
    const home = newHome();
    const spec = home.service(
      "a",
      `port: ${freePort()}\npost_stop: { command: [echo, cleaned] }`,
      "for i in $(seq 1 30); do echo line $i; done; echo 'no such model' >&2; printf tail; exit 7",
    );
    const error = await home.failure(spec);
    expect(error).toMatchObject({
      exit: "failed",
      message: 'Cannot start "a": its process ended with exit code 7 before it was ready',
      hint: "The whole log: harbor logs a",
    });
    expect(error.details).toHaveLength(20);
    expect(error.details).toEqual(expect.arrayContaining(["line 30", "no such model", "tail"]));
    expect((await home.report("a")).restarts).toBe(0);
  });

  test("as its process is ended by a signal says by which", async () => {
    const home = newHome();
    const error = await home.failure(home.service("a", `port: ${freePort()}`, "kill -SEGV $$"));
    expect(error).toMatchObject({
      message: 'Cannot start "a": its process ended by SIGSEGV before it was ready',
      hint: "It wrote nothing to its log",
    });
  });

  test("as it is not ready in time says what the last attempt saw, shows its log, and leaves nothing running", async () => {
    const home = newHome();
    const code = "console.log('loading'); const fetch = () => new Response('', { status: 503 })";
    const lines = `executable: bun\ndaemon_args: [-e, "${code}; Bun.serve({ hostname: '127.0.0.1', port: process.env.PORT, fetch })"]`;
    const port = freePort();
    const spec = home.service("a", `${lines}\nport: ${port}\nready: { http: /, timeout: 150ms, start_interval: 5ms }`);
    expect(await home.failure(spec)).toMatchObject({
      exit: "timeout",
      message: `Cannot start "a": not ready within 0.15 s; GET http://127.0.0.1:${port}/ answered 503`,
      details: ["loading"],
    });
    expect(home.processes()).toEqual([]);
  });

  test("as it goes to the background says that this may be why, and ends what it left there", async () => {
    const home = newHome();
    const script = `echo going; ( while :; do sleep 0.05; done ) & ${process.execPath} -e 'Bun.spawn(["sleep", "600"], { detached: true }).unref()'; exit 0`;
    const error = await home.failure(home.service("a", `port: ${freePort()}`, script));
    expect(error).toMatchObject({
      message: 'Cannot start "a": its process ended with exit code 0 before it was ready',
      details: ["going"],
      hint: "It may have gone to the background; a native service must stay in the foreground",
    });
    expect(home.processes()).toEqual([]);
  });

  test.skipIf(Bun.which("nginx") === null)(
    "as it goes to the background under a title of its own leaves nothing there (needs nginx)",
    async () => {
      const home = newHome();
      const spec = nginx(home);
      expect(await home.failure(spec)).toMatchObject({ message: expect.stringContaining("exit code 0 before it was ready") });
      expect(listListeners(new Set([spec.port ?? 0]))).toEqual([]);
      // what listens no more may still be ending
      expect(readTable().entries.filter((it) => !isDead(it) && cwdOf(it.pid) === spec.cwd)).toEqual([]);
    },
  );

  test("as another program has its port names that, and is over once the port is free", async () => {
    const home = newHome();
    const spec = home.service("a", serverLines());
    {
      using _taken = Bun.listen({ hostname: "127.0.0.1", port: spec.port ?? 0, socket: { data() {} } });
      expect(await home.failure(spec)).toMatchObject({
        exit: "failed",
        message: expect.stringMatching(new RegExp(`^Cannot start "a": port ${spec.port} is taken by pid ${process.pid} \\(`)),
        hint: "Stop that process, or choose another port: harbor config set a.host_port <port>",
      });
    }
    expect((await home.start([spec])).last.a?.state).toBe("ready");
  });

  test("as another program answers on its port is not taken for ready", async () => {
    const home = newHome();
    const port = freePort();
    const spec = home.service("a", `port: ${port}\nready: { timeout: 200ms, start_interval: 5ms }`, "touch up; exec sleep 60");
    const failure = home.failure(spec);
    await until(() => home.processes().length > 0, "its process");
    using _server = Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response() });
    expect(await failure).toMatchObject({
      exit: "timeout",
      message: expect.stringMatching(new RegExp(`on port ${port} answers pid ${process.pid} \\(.*\\) instead$`)),
    });
  });
});

describe("pre_start and post_stop", () => {
  test("run before the process and after it, their output in its log; a restart by itself goes without the first", async () => {
    const home = newHome();
    const hooks = "pre_start: { command: [sh, -c, 'echo before; touch prepared'] }\npost_stop: { command: [sh, -c, 'echo after'] }";
    const rules = "restart: { backoff: 10ms..10ms }";
    await home.start([home.service("a", `${hooks}\n${rules}`, "echo main; exec sleep 60")]);
    await home.untilLogged("a", "main");
    process.kill(await home.pid("a"), "SIGKILL");
    await home.until("a", ({ restarts, state }) => restarts === 1 && state === "ready", "its restart");
    await home.stop();
    expect(await home.log("a")).toEqual(["before", "main", "after", "main", "after"]);
  });

  test("a failed pre_start fails the start with its code and its lines, and post_stop cleans up", async () => {
    const home = newHome();
    const hooks = "pre_start: { command: [sh, -c, 'echo no disk; exit 4'] }\npost_stop: { command: [touch, cleaned] }";
    expect(await home.failure(home.service("a", hooks, "echo main"))).toMatchObject({
      message: 'Cannot start "a": its pre_start failed: exit code 4',
      details: ["no disk"],
    });
    expect(await Bun.file(home.file("a", "cleaned")).exists()).toBe(true);
    expect(await home.log("a")).toEqual(["no disk"]);
  });

  test("each has a time of its own, after which it is killed with all that it started", async () => {
    const home = newHome();
    const before = home.service("a", "pre_start: { command: [sh, -c, 'echo waiting; sleep 60 & sleep 60'], timeout: 100ms }", "echo main");
    expect(await home.failure(before)).toMatchObject({
      message: 'Cannot start "a": its pre_start failed: it did not end within 100ms',
      details: ["waiting"],
    });
    expect(home.processes()).toEqual([]);
    const after = home.service("b", "post_stop: { command: [sh, -c, 'sleep 60 & sleep 60'], timeout: 100ms }", "exec sleep 60");
    await home.start([after]);
    expect(await home.stop("b")).toEqual([{ handle: "b", wasKilled: false }]);
    expect(home.processes()).toEqual([]);
  });

  test("a stop does not wait for a pre_start, and nothing is started after it", async () => {
    const home = newHome();
    const spec = home.service("a", "pre_start: { command: [sh, -c, 'echo waiting; sleep 60'] }", "echo main; exec sleep 60");
    const starting = home.start([spec]);
    await home.untilLogged("a", "waiting");
    await home.stop("a");
    expect((await starting).last.a?.state).toBe("stopped");
    expect([await home.log("a"), home.processes()]).toEqual([["waiting"], []]);
  });
});

describe("depends_on", () => {
  const after = (name: string, condition: string): string => `depends_on: { ${name}: { condition: ${condition} } }`;

  test("service_started waits for its process alone", async () => {
    const home = newHome();
    const deaf = home.service("base", `port: ${freePort()}\nready: { tcp: true, timeout: 60s }`, "exec sleep 60");
    const { last } = await home.start([home.service("web", after("base", "service_started"), "exec sleep 60"), deaf], {
      waitFor: { web: "ready" },
    });
    expect([last.web?.state, last.base?.state]).toEqual(["ready", "starting"]);
  });

  test("service_healthy waits until it answers", async () => {
    const home = newHome();
    const base = home.service("base", serverLines("", "await Bun.sleep(50)"));
    const { course } = await home.start([home.service("web", after("base", "service_healthy"), "exec sleep 60"), base]);
    expect(course.filter((it) => !it.endsWith("pending"))).toEqual(["base starting", "base ready", "web starting", "web ready"]);
  });

  test("service_completed_successfully waits until a job has ended with 0", async () => {
    const home = newHome();
    const job = home.service("job", "restart: { policy: 'no' }", "sleep 0.05; touch ../web/migrated");
    const web = home.service(
      "web",
      after("job", "service_completed_successfully"),
      "test -e migrated || exit 9; echo there; exec sleep 60",
    );
    const { last } = await home.start([web, job], { waitFor: { web: "ready", job: "completed" } });
    expect(last).toMatchObject({ web: { state: "ready" }, job: { state: "stopped", isCompleted: true } });
    await home.untilLogged("web", "there");
  });

  test("fails with what it waits for", async () => {
    const home = newHome();
    const job = home.service("job", "restart: { policy: 'no' }", "exit 3");
    const web = home.service("web", after("job", "service_completed_successfully"), "exec sleep 60");
    const { last } = await home.start([web, job]);
    expect(last.web).toMatchObject({
      state: "failed",
      why: '"job", which it depends on, has failed: its process ended with exit code 3',
      pid: null,
    });
  });

  test("on a container goes by what is told of it", async () => {
    const home = newHome();
    const web = home.service("web", after("db", "service_healthy"), "exec sleep 60");
    const over = new AbortController();
    const waiting = home.start([web], { externals: { db: "started" }, signal: over.signal });
    await until(async () => (await home.client.services()).length > 0, "it is known");
    expect((await home.report("web")).why).toBe('waits for "db" to be ready');
    over.abort();
    await waiting;
    expect((await home.start([web], { externals: { db: "healthy" } })).last.web?.state).toBe("ready");
  });
});
