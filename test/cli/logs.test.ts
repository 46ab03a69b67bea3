/** `harbor logs` over native services that say what they are told to, as a person sees it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { until } from "../_until.ts";
import { checkout, isRunning, readUntil, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
const ports: Record<string, number> = {};

/** A service that prints the body of each request, on the stream that its path names. */
const talker = (handle: string, port: number): Record<string, string> => ({
  [`${handle}/main.ts`]: `Bun.serve({ hostname: "127.0.0.1", port: ${port}, async fetch(request) {
    const text = await request.text();
    if (text !== "") await Bun.write(request.url.endsWith("/err") ? Bun.stderr : Bun.stdout, text);
    return new Response("ok");
  } });\n`,
  [`${handle}/${handle}_native.yml`]: `x-harbor-native:
  executable: bun
  daemon_args: [main.ts]
  port: "${port}"
  ready: { http: /, timeout: 20s, start_interval: 20ms }
  logs: { max_size: 2kB }
`,
});

const say = async (handle: string, text: string, stream = "out"): Promise<void> => {
  await fetch(`http://127.0.0.1:${ports[handle]}/${stream}`, { method: "POST", body: text });
};

/** Stamps are as exact as the file system's clock: waits until that has moved on since a service said something. */
const nextTick = (handle: string): Promise<true> =>
  until(() => {
    box.write({ probe: "" });
    const last = Math.max(...["out", "err"].map((stream) => statSync(join(folderOf(handle), `spool/1.${stream}`)).mtimeMs));
    return Math.floor(statSync(join(box.root, "probe")).mtimeMs) > Math.floor(last);
  }, "another time");

const folderOf = (handle: string): string => join(box.state, "native", handle);

const killSupervisor = async (): Promise<void> => {
  const { pid } = await Bun.file(join(box.state, "supervisor.json")).json();
  process.kill(pid, "SIGKILL");
  await until(() => !isRunning(pid), "its end");
};

const lines = (text: string): string[] => text.split("\n").slice(0, -1);

beforeAll(async () => {
  box = await Sandbox.create();
  for (const handle of ["alpha", "beta"]) {
    ports[handle] = freePort();
    box.services(talker(handle, ports[handle]));
  }
  const { exit, stderr } = await box.run(["up", "-x", "alpha,beta", "--no-defaults"]);
  if (exit !== 0) throw new Error(stderr);
});

afterAll(() => box.remove());

describe("harbor logs", () => {
  test("with nothing said says so", async () => {
    expect(await box.run(["logs"])).toEqual({ exit: 0, stdout: "", stderr: "harbor: no lines yet\n" });
  });

  test("puts the lines of all in order of time, each behind its service's name, for one alone without it", async () => {
    await say("alpha", "first\n");
    await nextTick("alpha");
    await say("beta", "second\n", "err");
    await nextTick("beta");
    await say("alpha", "third\n", "err");
    expect(await box.run(["logs"])).toEqual({
      exit: 0,
      stdout: "alpha | first\nbeta  | second\nalpha | third\n",
      stderr: "",
    });
    expect((await box.run(["logs", "alpha"])).stdout).toBe("first\nthird\n");
    expect((await box.run(["logs", "beta", "-t"])).stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z second\n$/);
  });

  test("--json prints service, runtime, stream, time and line", async () => {
    const found = lines((await box.run(["logs", "--json"])).stdout).map((line) => JSON.parse(line) as Record<string, string>);
    expect(found.map(({ time: _, ...rest }) => rest)).toEqual([
      { service: "alpha", runtime: "native", stream: "stdout", line: "first" },
      { service: "beta", runtime: "native", stream: "stderr", line: "second" },
      { service: "alpha", runtime: "native", stream: "stderr", line: "third" },
    ]);
    const times = found.map((it) => it.time ?? "");
    expect(times).toEqual(times.toSorted());
    expect(times.every((time) => Math.abs(Date.parse(time) - Date.now()) < 60_000)).toBe(true);
  });

  test("--since, --tail and --grep choose, over rotated files", async () => {
    await say("alpha", Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join(""));
    await until(() => readdirSync(folderOf("alpha")).some((name) => /^log\.\d+\.gz$/.test(name)), "a rotated file");
    const run = async (...words: string[]) => lines((await box.run(["logs", "alpha", ...words])).stdout);
    expect(await run()).toEqual(Array.from({ length: 20 }, (_, index) => `line ${80 + index}`));
    expect(await run("-n", "all")).toHaveLength(102);
    expect(await run("-n", "0")).toEqual([]);
    expect(await run("-g", "^line .5$", "-n", "3")).toEqual(["line 75", "line 85", "line 95"]);
    expect(await run("--grep", "LINE 9.", "-i", "--since", "1h")).toEqual(Array.from({ length: 10 }, (_, index) => `line ${90 + index}`));
    expect(await run("--since", "1d")).toHaveLength(102);
    expect(await box.run(["logs", "alpha", "--since", new Date(Date.now() + 60_000).toISOString()])).toEqual({
      exit: 0,
      stdout: "",
      stderr: "harbor: no such lines\n",
    });
  });

  test("-f goes on with the lines of all, over the death of their keeper, until it is interrupted", async () => {
    const child = box.start(["logs", "-f", "-n", "1", "-g", "again|line 99"]);
    await readUntil(child.stdout, /alpha \| line 99\n/);
    await say("beta", "again beta\n");
    await readUntil(child.stdout, /beta {2}\| again beta\n/);
    await killSupervisor();
    await say("alpha", "other\nagain alpha\n");
    await readUntil(child.stdout, /^alpha \| again alpha\n/);
    child.kill("SIGINT");
    await child.exited;
    expect(await child.stderr.text()).toBe("");
  });

  test("on a terminal each service has its colour, which its lines' own do not leave", async () => {
    await say("beta", "\x1b[31mred\n");
    const onTerminal = async (words: string[], env: Record<string, string> = {}): Promise<string> => {
      let text = "";
      const { NO_COLOR: _, ...plain } = box.env;
      const data = (__: unknown, bytes: Uint8Array): void => {
        text += Buffer.from(bytes).toString().replaceAll("\x1b", "^");
      };
      const child = Bun.spawn([join(checkout, "bin/harbor"), "logs", "-n", "1", ...words], {
        env: { ...plain, TERM: "xterm", ...env },
        terminal: { cols: 80, rows: 24, data },
      });
      await child.exited;
      await until(() => text.includes("red"), "its output");
      return text;
    };
    const coloured = await onTerminal([]);
    const [, alpha, beta] = /\^\[(\d+)malpha \|\^\[0m again alpha\r\n\^\[(\d+)mbeta {2}\|\^\[0m \^\[31mred\^\[0m/.exec(coloured) ?? [];
    expect([alpha, beta]).toEqual([expect.any(String), expect.any(String)]);
    expect(alpha).not.toBe(beta);
    for (const text of [await onTerminal(["--no-color"]), await onTerminal([], { NO_COLOR: "1" })])
      expect(text).toStartWith("alpha | again alpha\r\nbeta  | ^[31mred");
    expect((await box.run(["logs", "-n", "1"])).stdout).toBe("alpha | again alpha\nbeta  | \x1b[31mred\n");
  });

  test.each([[["logs", "-f", "-n", "1"]], [["logs", "-f", "-n", "1", "--json"]]])(
    "%j ends when nobody reads it any more",
    async (words) => {
      const child = box.start(words);
      const reader = child.stdout.getReader();
      await reader.read();
      await reader.cancel();
      await say("alpha", "unread\n");
      expect(await child.exited).toBe(0);
    },
  );
});
