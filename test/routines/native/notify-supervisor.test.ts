/** What a program says by it arrives as sd_notify(3) says it; heard on the supervisor's own socket. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatagramSocket, sendDatagram } from "../../../routines/native/_datagram-socket.ts";
import { notifySupervisor } from "../../../routines/native/notify-supervisor.ts";

const folder = mkdtempSync(join(tmpdir(), "harbor-notify-"));
const path = join(folder, "socket");
afterEach(() => rmSync(path, { force: true }));

test("all of it is one message, a line for each thing", async () => {
  const socket = await openDatagramSocket(path);
  const notification = { isReady: true, isAlive: true, status: "two\nlines", extendTimeoutMs: 1_500, health: "degraded" } as const;
  expect(await notifySupervisor(notification, { NOTIFY_SOCKET: path })).toBe(true);
  const expected = ["X_HARBOR_HEALTH=degraded", "STATUS=two lines", "EXTEND_TIMEOUT_USEC=1500000", "WATCHDOG=1", "READY=1"];
  expect(socket.receive()?.text.split("\n")).toEqual(expected);
  expect(socket.receive()).toBeUndefined();
  socket.close();
});

test("where nobody asked nothing is said, and that is no error", async () => {
  expect(await notifySupervisor({ isReady: true }, {})).toBe(false);
});

test("a socket that nobody listens on any more is one", async () => {
  const socket = await openDatagramSocket(path);
  socket.close();
  await expect(notifySupervisor({ isReady: true }, { NOTIFY_SOCKET: path })).rejects.toThrow("Cannot send to socket");
});

test("as a command it says what it is given", async () => {
  const socket = await openDatagramSocket(path);
  const say = (...words: string[]) =>
    Bun.spawnSync([process.execPath, "routines/native/notify-supervisor.ts", ...words], {
      cwd: join(import.meta.dir, "../../.."),
      env: { ...process.env, NOTIFY_SOCKET: path },
    });
  expect(say("READY=1", "STATUS=a b").exitCode).toBe(0);
  expect(socket.receive()?.text).toBe("READY=1\nSTATUS=a b");
  const wrong = say("ready");
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr.toString()).toContain("READY=1");
  socket.close();
});

test("a supervisor that does not read for a moment is told all the same, and keeps nobody from other work", async () => {
  const socket = await openDatagramSocket(path);
  const queue = Number(readFileSync("/proc/sys/net/unix/max_dgram_qlen", "utf8"));
  const env = { NOTIFY_SOCKET: path };
  for (let count = 0; count <= queue; count++) await notifySupervisor({ isAlive: true }, env);
  const late = notifySupervisor({ isReady: true }, env);
  await new Promise(setImmediate);
  const heard: string[] = [];
  for (let next = socket.receive(); next !== undefined; next = socket.receive()) heard.push(next.text);
  expect(heard).not.toContain("READY=1");
  await late;
  expect(socket.receive()?.text).toBe("READY=1");
  socket.close();
});

test("one that reads nothing any more is an error, in time", async () => {
  const socket = await openDatagramSocket(path);
  const send = async (): Promise<never> => {
    while (true) await sendDatagram(path, "WATCHDOG=1", 50);
  };
  await expect(send()).rejects.toThrow("nobody reads");
  socket.close();
});

test("of a status that is too long the beginning is said, and what stands behind it", async () => {
  const socket = await openDatagramSocket(path);
  await notifySupervisor({ status: "ü".repeat(5_000), isReady: true }, { NOTIFY_SOCKET: path });
  const text = socket.receive()?.text ?? "";
  expect(text).toEndWith("\nREADY=1");
  expect(Buffer.byteLength(text)).toBeLessThan(2_048);
  socket.close();
});
