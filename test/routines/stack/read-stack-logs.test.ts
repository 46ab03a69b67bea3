import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type LogLine, type ReadStackLogsOptions, readStackLogs } from "../../../routines/stack/read-stack-logs.ts";
import { until } from "../../_until.ts";
import { makeTree } from "../../_workspace.ts";
import { containerInfo, startFakeEngine } from "../engine/_fake-engine.ts";

const second = (digits: string): string => `2026-01-31T12:00:${digits}Z`;

/** Two native services, with a log as a keeper leaves it. */
function makeHome(hasContainers: boolean): string {
  const logOf = (...seconds: string[]): string =>
    [
      `${second("00.000")} log 1 0.0 0.0`,
      ...seconds.map((it, index) => `${second(it)} ${index % 2 ? "err" : "out"} 1.${index + 1} at ${it}`),
    ]
      .join("\n")
      .concat("\n");
  const home = makeTree({
    "state/native/a/log": logOf("01.000", "03.000", "05.000"),
    "state/native/b/log": logOf("04.000"),
    "state/stack.json": JSON.stringify({ services: ["a", "b"], natives: ["a", "b"], hasContainers }),
  });
  for (const handle of ["a", "b"]) {
    writeFileSync(join(home, "state/native", handle, "service.json"), JSON.stringify({ spec: { handle } }));
  }
  return home;
}

function open(home: string, more: Partial<ReadStackLogsOptions> = {}): AsyncGenerator<LogLine> {
  return readStackLogs({
    home,
    env: { DOCKER_HOST: "unix:///nonexistent.sock" },
    project: "p",
    handles: [],
    follow: false,
    signal: new AbortController().signal,
    ...more,
  });
}

async function read(home: string, more: Partial<ReadStackLogsOptions> = {}): Promise<string[]> {
  return (await Array.fromAsync(open(home, more))).map(({ service, line }) => `${service} ${line}`);
}

/** An engine with one container, `webui`, that has said something and says more once followed. */
function startEngine(past: string[], later: string[] = []) {
  const frames = (lines: string[]): Buffer =>
    Buffer.concat(
      lines.map((it) => {
        const payload = `${second(`${it}000000`)} at ${it}\n`;
        const header = Buffer.alloc(8);
        header[0] = 2;
        header.writeUInt32BE(payload.length, 4);
        return Buffer.concat([header, Buffer.from(payload)]);
      }),
    );
  return startFakeEngine((_, url) => {
    if (url.pathname === "/version") return Response.json({ Version: "28.0.0" });
    if (url.pathname === "/info") return Response.json({});
    if (url.pathname === "/containers/json") return Response.json([containerInfo("webui")]);
    if (url.pathname.endsWith("/json")) return Response.json({ Config: { Tty: false } });
    if (url.pathname.endsWith("/logs")) return new Response(frames(url.searchParams.get("follow") === "true" ? later : past));
    return undefined;
  });
}

describe("readStackLogs", () => {
  test("puts the last lines of each in order of time, or of those asked for", async () => {
    const home = makeHome(false);
    expect(await read(home)).toEqual(["a at 01.000", "a at 03.000", "b at 04.000", "a at 05.000"]);
    expect(await read(home, { tail: 2 })).toEqual(["a at 03.000", "b at 04.000", "a at 05.000"]);
    expect(await read(home, { handles: ["b"] })).toEqual(["b at 04.000"]);
    expect(await read(home, { sinceMs: Date.parse(second("04")) })).toEqual(["b at 04.000", "a at 05.000"]);
    expect(await read(home, { grep: /at 0[13]/, tail: 1 })).toEqual(["a at 03.000"]);
  });

  test("interleaves natives with containers, each line with its runtime, stream and time", async () => {
    using engine = startEngine(["02.000", "04.500"]);
    const found = await Array.fromAsync(open(makeHome(true), { env: { DOCKER_HOST: engine.host } }));
    expect(found.map((it) => `${it.service} ${it.line}`)).toEqual([
      "a at 01.000",
      "webui at 02.000",
      "a at 03.000",
      "b at 04.000",
      "webui at 04.500",
      "a at 05.000",
    ]);
    expect(found.slice(1, 3)).toEqual([
      { service: "webui", runtime: "container", stream: "stderr", time: second("02.000000000"), line: "at 02.000" },
      { service: "a", runtime: "native", stream: "stderr", time: second("03.000"), line: "at 03.000" },
    ]);
  });

  test("follows both, after what was there in order", async () => {
    using engine = startEngine(["02.000"], ["02.000", "06.000"]);
    const home = makeHome(true);
    const end = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      const lines = open(home, { env: { DOCKER_HOST: engine.host }, tail: 1, follow: true, signal: end.signal });
      for await (const { service, line } of lines) seen.push(`${service} ${line}`);
    })();
    await until(() => seen.length === 4, "what is there, and the container's next line");
    expect(seen).toEqual(["webui at 02.000", "b at 04.000", "a at 05.000", "webui at 06.000"]);
    writeFileSync(join(home, "state/native/b/log"), `${second("07.000")} out 1.9 at 07.000\n`, { flag: "a" });
    await until(() => seen.length === 5, "the process's next line");
    end.abort();
    await following;
    expect(seen[4]).toBe("b at 07.000");
  });

  test("asks the engine only for what is not native", async () => {
    const home = makeHome(true);
    expect(await read(home, { handles: ["a"], tail: 1 })).toEqual(["a at 05.000"]);
    expect(await read(home, { handles: ["web"] }).catch((error: unknown) => error)).toMatchObject({ exit: "missing" });
  });

  test.each([true, false])("shows what processes said before it fails for want of an engine (follow %p)", async (follow) => {
    const lines = open(makeHome(true), { tail: 1, follow });
    expect([(await lines.next()).value?.line, (await lines.next()).value?.line]).toEqual(["at 04.000", "at 05.000"]);
    expect(await lines.next().catch((error: unknown) => error)).toMatchObject({ exit: "missing" });
  });

  test("is empty where nothing is up and no engine is there", async () => {
    expect(await read(makeTree({}))).toEqual([]);
  });
});
