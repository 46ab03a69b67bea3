/** Services that sleep while nobody talks to them: held connections, and what changes in their contract meanwhile. */
import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import type { NativeSpec } from "../../../routines/native/start-process.ts";
import { freePort } from "../../_ports.ts";
import { until } from "../../_until.ts";
import { listenOn, type TestHome, useHomes } from "./_home.ts";

const newHome = useHomes();

const PROGRAM = "Bun.serve({ hostname: '127.0.0.1', port: Number(process.env.PORT), fetch: () => new Response(String(process.pid)) })";

/** Answers with its pid; sleeps after that long, or never. */
function sleeper(home: TestHome, { port = freePort(), stopAfter = "100ms" as string | undefined, more = "" }): NativeSpec {
  const variable = `"\${HARBOR_S_HOST_PORT:-${port}}"`;
  const idle = stopAfter === undefined ? "" : `idle: { stop_after: ${stopAfter} }\n`;
  const lines = `executable: bun\ndaemon_args: [-e, ${JSON.stringify(PROGRAM)}]\nport: ${variable}\nenv: { PORT: ${variable} }\n`;
  return home.service("s", `${lines}ready: { http: /, start_interval: 10ms }\n${idle}${more}`);
}

const ask = async (port: number | undefined): Promise<string> =>
  (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } })).text();
const asleep = (home: TestHome) => home.until("s", (it) => it.isAsleep, "it sleeps");

describe("a service that sleeps", () => {
  test("is woken by a connection, which is answered; many at once wake it once", async () => {
    const home = newHome();
    const spec = sleeper(home, {});
    await home.start([spec]);
    await asleep(home);
    expect(home.processes()).toEqual([]);
    const pids = await Promise.all(Array.from({ length: 20 }, () => ask(spec.port)));
    expect([new Set(pids).size, (await home.report("s")).run]).toEqual([1, 2]);
    await asleep(home);
  });

  test("is let sleep by a connection that says nothing, and not while an answer is waited for", async () => {
    const home = newHome();
    const spec = sleeper(home, {});
    await home.start([spec]);
    const open = (): Socket =>
      connect(spec.port ?? 0, "127.0.0.1")
        .on("error", () => undefined)
        .resume();
    const asking = open();
    asking.write("GET / HTTP/1.1\r\n");
    const silent = open();
    const cut = new Promise((resolve) => silent.once("close", resolve));
    // three times as long as it may be quiet
    await Bun.sleep(300);
    expect((await home.report("s")).state).toBe("ready");
    asking.destroy();
    await asleep(home);
    await cut;
  });

  test("is found at another port once it is given one, and no more at the former", async () => {
    const home = newHome();
    const before = sleeper(home, { stopAfter: "1h" });
    await home.start([before]);
    const after = sleeper(home, { stopAfter: "1h" });
    const { accepted, last } = await home.start([after]);
    expect([accepted[0]?.needsRestart, last.s?.state]).toEqual([true, "ready"]);
    expect(await ask(after.port)).toBe(String(await home.pid("s")));
    expect(listenOn(before.port ?? 0)?.[Symbol.dispose]()).toBeUndefined();
    expect(await ask(before.port).catch(() => "nobody")).toBe("nobody");
  });

  test("has its port to itself once its contract lets it sleep no more, and the other way round", async () => {
    const home = newHome();
    const port = freePort();
    for (const stopAfter of ["1h", undefined, "1h"]) {
      const { last } = await home.start([sleeper(home, { port, stopAfter })]);
      expect([stopAfter, last.s?.state]).toEqual([stopAfter, "ready"]);
      expect(await ask(port)).toBe(String(await home.pid("s")));
    }
  });

  test("sleeps after another time as soon as its contract says so, without a restart", async () => {
    const home = newHome();
    const port = freePort();
    await home.start([sleeper(home, { port, stopAfter: "1h" })]);
    const { accepted } = await home.start([sleeper(home, { port })]);
    expect(accepted).toMatchObject([{ changes: ["idle time"], needsRestart: false }]);
    await asleep(home);
  });

  test("whose port is taken fails at once, also where a pre_start goes before", async () => {
    const home = newHome();
    const port = freePort();
    using _taken = listenOn(port);
    const failure = await home.failure(sleeper(home, { port, more: "pre_start: { command: ['true'] }" }));
    expect(failure.message).toStartWith(`Cannot start "s": port ${port} is taken by pid ${process.pid} (`);
  });

  test("has its hooks told the port that its process is told", async () => {
    const home = newHome();
    const hook = (when: string): string => `{ command: [sh, -c, 'echo ${when} $$PORT'] }`;
    const spec = sleeper(home, { more: `pre_start: ${hook("before")}\npost_stop: ${hook("after")}` });
    await home.start([spec]);
    await asleep(home);
    const said = await until(async () => {
      const lines = await home.log("s");
      return lines.length === 2 && lines;
    }, "both hooks");
    const [before, after] = said.map((line) => line.split(" ")[1]);
    expect([before, Number(before) > 0, before === String(spec.port)]).toEqual([after, true, false]);
  });

  test("is listened for again by `harbor up`, once what had its port is gone", async () => {
    const home = newHome();
    const spec = sleeper(home, {});
    await home.start([spec]);
    await asleep(home);
    await home.kill();
    {
      using _taken = await until(() => listenOn(spec.port ?? 0), "its port is free");
      expect((await home.report("s")).isAsleep).toBe(true);
    }
    await home.start([spec]);
    expect(await until(() => ask(spec.port).catch(() => undefined), "its answer")).toMatch(/^\d+$/);
  });
});
