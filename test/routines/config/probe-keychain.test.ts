/** A look at the keychain: the real one of a session, in each state that it can be in, and without anybody being asked. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { probeKeychain } from "../../../routines/config/probe-keychain.ts";
import { until } from "../../_until.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";
import { type Keychain, keychainMissing, startKeychain } from "../../cli/_keychain.ts";

const missing = keychainMissing();
const home = "/a/home of mine";
const probe = (env: Record<string, string>, timeoutMs = 2_000) => probeKeychain({ home, env, platform: "linux", timeoutMs });

describe.skipIf(missing !== undefined)(`the Secret Service${missing === undefined ? "" : ` (skipped: ${missing})`}`, () => {
  let keychain: Keychain;

  beforeAll(async () => {
    keychain = await startKeychain(makeFolder());
    await until(async () => (await probe(keychain.env)).state === "empty", "a Secret Service on the bus");
  });
  afterAll(() => keychain[Symbol.asyncDispose]());

  const run = (argv: string[], input = ""): number =>
    Bun.spawnSync(argv, { env: { PATH: process.env.PATH ?? "", ...keychain.env }, stdin: Buffer.from(input) }).exitCode;

  test("has no entry, has one, has one that is locked", async () => {
    expect(run(["secret-tool", "store", "--label=x", "service", "harbor", "account", home], "m3llon")).toBe(0);
    expect(await probe(keychain.env)).toEqual({ state: "open" });
    await keychain.lock();
    expect(await probe(keychain.env)).toEqual({ state: "locked" });
  });

  test("is not started where none runs", async () => {
    await using bus = await startKeychain(makeFolder(), { isUnlocked: false });
    expect(await probe(bus.env)).toEqual({ state: "unreachable", why: "no Secret Service runs in this session" });
  });
});

describe("a session's bus", () => {
  test.each([
    [{}, "this session has none (DBUS_SESSION_BUS_ADDRESS)"],
    [{ DBUS_SESSION_BUS_ADDRESS: "tcp:host=localhost,port=1" }, "this session has none (DBUS_SESSION_BUS_ADDRESS)"],
    [{ DBUS_SESSION_BUS_ADDRESS: "unix:path=/no%20where/bus,guid=1" }, "connect ENOENT /no where/bus"],
    [{ XDG_RUNTIME_DIR: "/nowhere" }, "connect ENOENT /nowhere/bus"],
  ])("that is not there: %j", async (env, why) => {
    expect(await probe(env as Record<string, string>)).toEqual({
      state: "unreachable",
      why: `cannot ask the session bus: ${why}`,
    });
  });

  const speakHttp = (socket: Socket): void => {
    socket.once("data", () => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
    socket.write("OK 1\r\n");
  };

  async function listen(path: string, onLine: (socket: Socket) => void): Promise<Server> {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => onLine(socket));
    });
    const ready = Promise.withResolvers<void>();
    server.listen({ path }, ready.resolve);
    await ready.promise;
    return server;
  }

  test.each<[string, (socket: Socket) => void, string]>([
    ["says nothing", () => undefined, "no answer within 0.2 s"],
    ["does not let us in", (socket) => socket.write("REJECTED EXTERNAL\r\n"), "it is another user's"],
    ["goes away", (socket) => socket.end(), "it closed the connection"],
    ["speaks something else", speakHttp, "it speaks no D-Bus"],
  ])("that %s", async (_, onLine, why) => {
    const path = join(makeFolder(), "bus");
    const server = await listen(path, onLine);
    const { state, why: told } = await probe({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` }, 200);
    expect([state, told]).toEqual(["unreachable", expect.stringContaining(why)]);
    server.close();
  });
});

describe("macOS's keychain, by a stand-in for its program `security`", () => {
  const ask = (script: string, timeoutMs = 2_000) => {
    const folder = makeTree({ security: `#!/bin/sh\n${script}\n` });
    chmodSync(join(folder, "security"), 0o755);
    return probeKeychain({ home, env: { PATH: `${folder}:/usr/bin:/bin` }, platform: "darwin", timeoutMs });
  };

  test("is asked for the entry, and never for what is in it", async () => {
    const words = "find-generic-password -s harbor -a /a/home of mine";
    expect(await ask(`test "$*" = "${words}"`)).toEqual({ state: "open" });
  });

  test.each<[string, string, object]>([
    ["no entry", "exit 44", { state: "empty" }],
    ["another answer", "echo 'no default keychain' >&2; exit 36", { state: "unreachable", why: "no default keychain" }],
    ["no answer", "exec sleep 60", { state: "unreachable", why: "security did not answer within 0.3 s" }],
  ])("gives %s", async (_, script, expected) => {
    expect(await ask(script, 300)).toEqual(expected as never);
  });
});
