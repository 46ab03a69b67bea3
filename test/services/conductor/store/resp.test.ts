/** Redis's wire protocol, whole and in pieces. */
import { describe, expect, test } from "bun:test";
import { encodeCommand, Push, type Reply, RespError, RespReader } from "../../../../services/conductor/store/resp.ts";

const WIRE: readonly [string, Reply][] = [
  ["+OK\r\n", "OK"],
  ["-ERR no such thing\r\n", new RespError("ERR no such thing")],
  [":-12\r\n", -12],
  [",1.5\r\n", 1.5],
  ["(3492890328409238509324850943850943825024385\r\n", "3492890328409238509324850943850943825024385"],
  ["#t\r\n", true],
  ["_\r\n", null],
  ["$-1\r\n", null],
  ["*-1\r\n", null],
  ["$0\r\n\r\n", ""],
  ["$9\r\nü\r\n😀x\r\n", "ü\r\n😀x"],
  ["=7\r\ntxt:a\r\n\r\n", "txt:a\r\n"],
  ["*2\r\n$1\r\na\r\n*1\r\n:1\r\n", ["a", [1]]],
  ["~1\r\n+a\r\n", ["a"]],
  ["%1\r\n+a\r\n:1\r\n", ["a", 1]],
  [">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n", new Push(["invalidate", ["k"]])],
  [">2\r\n$10\r\ninvalidate\r\n_\r\n", new Push(["invalidate", null])],
];

describe("replies", () => {
  test.each(WIRE)("%j", (text, reply) => {
    expect(new RespReader().feed(Buffer.from(text))).toEqual([reply]);
  });

  test.each([1, 2, 3, 5, 7, 1_000])("in pieces of %d bytes", (size) => {
    const bytes = Buffer.from(WIRE.map(([text]) => text).join(""));
    const reader = new RespReader();
    const replies: Reply[] = [];
    for (let at = 0; at < bytes.length; at += size) replies.push(...reader.feed(bytes.subarray(at, at + size)));
    expect(replies).toEqual(WIRE.map(([, reply]) => reply));
  });

  test("what is no answer of Redis is refused", () => {
    expect(() => new RespReader().feed(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"))).toThrow("not an answer of Redis");
  });
});

test("commands count bytes", () => {
  expect(encodeCommand(["SET", "ü", ""])).toBe("*3\r\n$3\r\nSET\r\n$2\r\nü\r\n$0\r\n\r\n");
});
