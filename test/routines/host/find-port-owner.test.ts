import { describe, expect, test } from "bun:test";
import { findPortOwner, formatPortOwner } from "../../../routines/host/find-port-owner.ts";

describe("findPortOwner", () => {
  test("is the listening process, and nobody once it is gone", () => {
    const socket = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { port } = socket;
    expect(findPortOwner({ port })).toMatchObject({ port, pid: process.pid });
    socket.stop(true);
    expect(findPortOwner({ port })).toBeUndefined();
  });

  test.skipIf(process.platform !== "linux")("leaves a port of one address to another, and one of every address to nobody", () => {
    const own = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    expect(findPortOwner({ port: own.port, address: "172.17.0.1" })).toBeUndefined();
    own.stop(true);
    const every = Bun.listen({ hostname: "0.0.0.0", port: 0, socket: { data() {} } });
    expect(findPortOwner({ port: every.port, address: "172.17.0.1" })).toMatchObject({ pid: process.pid });
    every.stop(true);
  });
});

describe("formatPortOwner", () => {
  test.each([
    [{ port: 1, pid: 7, command: "redis-server *:1" }, "pid 7 (redis-server *:1)"],
    [{ port: 1, pid: 7 }, "pid 7"],
    [{ port: 1 }, "a process of another user"],
  ])("words %p", (owner, words) => {
    expect(formatPortOwner(owner)).toBe(words);
  });
});
