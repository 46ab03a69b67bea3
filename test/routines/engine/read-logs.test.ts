import { describe, expect, test } from "bun:test";
import { splitFrames, splitLines } from "../../../routines/engine/_split-log.ts";
import { type LogLine, openLogs, readLogs } from "../../../routines/engine/read-logs.ts";
import { containerInfo, startFakeEngine } from "./_fake-engine.ts";

const time = (second: number): string => `2026-11-21T11:00:0${second}.000000000Z`;

function frame(stream: 1 | 2, payload: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(payload), 4);
  return Buffer.concat([header, Buffer.from(payload)]);
}

test.each([
  ["2026-11-21T11:00:00.5Z", "2026-11-21T11:00:00.500000000Z"],
  ["2026-11-21T11:00:00Z", "2026-11-21T11:00:00.000000000Z"],
  ["2026-11-21T11:30:00.25+01:30", "2026-11-21T10:00:00.250000000Z"],
])("splitFrames tells %p as %p, so that times compare as text", async (told, expected) => {
  const [line] = await Array.fromAsync(splitFrames(inPieces(frame(1, `${told} hello\n`), 9)));
  expect(line).toEqual({ time: expected, stream: "stdout", line: "hello" });
});

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

  const past = [1, 2, 3].map((second) => frame(1, `${time(second)} line ${second}\n`));
  const later = [3, 4].map((second) => frame(2, `${time(second)} line ${second}\n`));

  test("following goes on behind the last line that was there, by its own time", async () => {
    let query: URLSearchParams | undefined;
    const log = (_: Request, url: URL): Response => {
      if (url.searchParams.get("follow") !== "true") return new Response(Buffer.concat(past));
      query = url.searchParams;
      return new Response(Buffer.concat(later));
    };
    using fake = startFakeEngine((request, url) => (url.pathname.endsWith("/logs") ? log(request, url) : answer(request, url)));
    const { history, live } = await openLogs({ engine: fake.engine, project: "p", services: ["a"], tail: 3 });
    expect((await Array.fromAsync(history)).map((it) => it.line)).toEqual(["line 1", "line 2", "line 3"]);
    expect((await Array.fromAsync(live())).map((it) => it.line)).toEqual(["line 4"]);
    expect([query?.get("since"), query?.get("tail")]).toEqual([`${Date.parse(time(3)) / 1000}.000000000`, "all"]);
  });

  test("of those that match the last ones, from all there are", async () => {
    const log = (url: URL): Response => new Response(url.searchParams.get("tail") === "all" ? Buffer.concat(past) : "");
    using fake = startFakeEngine((request, url) => (url.pathname.endsWith("/logs") ? log(url) : answer(request, url)));
    const matches = ({ line }: LogLine): boolean => /[12]/.test(line);
    const found = await Array.fromAsync(readLogs({ engine: fake.engine, project: "p", services: ["a"], tail: 1, matches }));
    expect(found.map((it) => it.line)).toEqual(["line 2"]);
  });

  test.each([404, 409])("a container that is gone (%d) has no lines, the others have theirs", async (status) => {
    const isGone = (url: URL): boolean => url.pathname === "/containers/id-a/logs";
    using fake = startFakeEngine((request, url) => (isGone(url) ? new Response("{}", { status }) : answer(request, url)));
    const found = await Array.fromAsync(readLogs({ engine: fake.engine, project: "p" }));
    expect(found.map((it) => it.source)).toEqual(["b"]);
  });
});
