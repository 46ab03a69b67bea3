import { describe, expect, test } from "bun:test";
import { mergeByTime } from "../../../routines/engine/_merge-lines.ts";
import { splitFrames, splitLines } from "../../../routines/engine/_split-log.ts";
import { type LogLine, readLogs, readSince } from "../../../routines/engine/read-logs.ts";
import { containerInfo, startFakeEngine } from "./_fake-engine.ts";

const time = (second: number): string => `2026-11-21T11:00:0${second}.000000000Z`;

function frame(stream: 1 | 2, payload: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(payload), 4);
  return Buffer.concat([header, Buffer.from(payload)]);
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("splitFrames", () => {
  const bytes = Buffer.concat([
    frame(1, `${time(1)} häl\n`),
    frame(2, `${time(2)} oops\n`),
    frame(1, `${time(3)} \n`),
    frame(1, `${time(4)} open end`),
  ]);
  const expected = [
    { time: time(1), stream: "stdout", line: "häl" },
    { time: time(2), stream: "stderr", line: "oops" },
    { time: time(3), stream: "stdout", line: "" },
    { time: time(4), stream: "stdout", line: "open end" },
  ];
  test.each([1, 7, 1000])("reads lines of both streams from pieces of %d bytes", async (size) => {
    expect(await Array.fromAsync(splitFrames(inPieces(bytes, size)))).toEqual(expected as never);
  });

  test("puts a long line together, and takes the times between its parts out", async () => {
    const parts = Buffer.concat([frame(1, `${time(1)} aaa`), frame(2, `${time(2)} between\n`), frame(1, `${time(3)} bbb\n`)]);
    const lines = await Array.fromAsync(splitFrames(inPieces(parts, 1000)));
    expect(lines.map((it) => it.line)).toEqual(["between", "aaabbb"]);
  });
});

test("splitLines reads a terminal's bytes, whatever they look like", async () => {
  const bytes = Buffer.from(`${time(1)} {"a":"ä"}\r\n${time(2)} prompt> `);
  const lines = await Array.fromAsync(splitLines(inPieces(bytes, 3)));
  expect(lines.map((it) => [it.time, it.line])).toEqual([
    [time(1), '{"a":"ä"}'],
    [time(2), "prompt> "],
  ]);
});

async function* lines(...times: number[]): AsyncGenerator<{ time: string }> {
  for (const second of times) yield { time: time(second) };
}

describe("merging", () => {
  test("mergeByTime puts several sources in order", async () => {
    const merged = await Array.fromAsync(mergeByTime([lines(1, 4, 5), lines(), lines(2, 3)]));
    expect(merged.map((it) => it.time)).toEqual([1, 2, 3, 4, 5].map(time));
  });
});

describe("readSince", () => {
  test("takes a time or how long ago", () => {
    expect(readSince("10m", 1_000_000)).toBe(400);
    expect(readSince("2026-11-21T11:00:00Z")).toBe(1_795_258_800);
    expect(() => readSince("yesterday")).toThrow('Cannot read --since "yesterday"');
  });
});

describe("readLogs", () => {
  const answer = (_: Request, url: URL): Response | undefined => {
    const service = /id-(\w+)/.exec(url.pathname)?.[1];
    if (url.pathname === "/containers/json") return Response.json([containerInfo("a"), containerInfo("b")]);
    if (url.pathname.endsWith("/json")) return Response.json({ Config: { Tty: false } });
    return new Response(frame(1, `${time(service === "a" ? 2 : 1)} from ${service}, tail ${url.searchParams.get("tail")}\n`));
  };

  test("reads all services of a project, in order of time", async () => {
    using fake = startFakeEngine(answer);
    const found: LogLine[] = await Array.fromAsync(readLogs({ engine: fake.engine, project: "p", tail: 5 }));
    expect(found.map((it) => [it.source, it.line])).toEqual([
      ["b", "from b, tail 5"],
      ["a", "from a, tail 5"],
    ]);
  });

  test("reads the services named alone", async () => {
    using fake = startFakeEngine(answer);
    const found = await Array.fromAsync(readLogs({ engine: fake.engine, project: "p", services: ["a"] }));
    expect(found.map((it) => it.line)).toEqual(["from a, tail all"]);
  });

  test("a connection that breaks in the middle is told, and what came before it is there", async () => {
    const open = (): Response =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(frame(1, `${time(1)} first\n`)) }));
    using fake = startFakeEngine((request, url) => (url.pathname.endsWith("/logs") ? open() : answer(request, url)));
    const found = readLogs({ engine: fake.engine, project: "p", services: ["a"], follow: true });
    expect((await found.next()).value).toMatchObject({ line: "first" });
    fake[Symbol.dispose]();
    expect(await found.next().catch((error: unknown) => error)).toMatchObject({
      exit: "failed",
      message: `Cannot use the container engine at ${fake.host} (DOCKER_HOST): it closed the connection in the middle`,
    });
  });

  test.each([404, 409])("a container that is gone (%d) has no lines, the others have theirs", async (status) => {
    const isGone = (url: URL): boolean => url.pathname === "/containers/id-a/logs";
    using fake = startFakeEngine((request, url) => (isGone(url) ? new Response("{}", { status }) : answer(request, url)));
    const found = await Array.fromAsync(readLogs({ engine: fake.engine, project: "p" }));
    expect(found.map((it) => it.source)).toEqual(["b"]);
  });
});
