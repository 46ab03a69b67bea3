import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { isDead } from "../../../routines/_script/process-identity.ts";
import { parseNotification } from "../../../routines/native/_notify-socket.ts";
import { type NotifyMessage, NotifySocket } from "../../../routines/native/probe-process.ts";
import { readTable } from "../../../routines/native/session-members.ts";
import { until } from "../../_until.ts";
import { makeFolder } from "../../_workspace.ts";

describe("parseNotification", () => {
  const texts: [string, NotifyMessage][] = [
    ["READY=1", { isReady: true }],
    ["READY=1\nSTATUS=Loaded 3 models\nMAINPID=1\n", { isReady: true, status: "Loaded 3 models" }],
    ["RELOADING=1\nMONOTONIC_USEC=12", { isReloading: true }],
    ["STOPPING=1", { isStopping: true }],
    ["WATCHDOG=1", { isAlive: true }],
    ["WATCHDOG=trigger\nREADY=0\nBARRIER=1\nconstructor\n=\n", {}],
    [`STATUS=\u001b[31mred\u0007 ${"x".repeat(300)}`, { status: `red ${"x".repeat(196)}…` }],
    [`STATUS=\u202eevil\u2066 \u001b]0;title\u0007\u009b31m\r\u2028end\u0000`, { status: "evil end" }],
    ["STATUS=", { status: "" }],
    ["STATUS=no voice\nX_HARBOR_HEALTH=degraded\nREADY=1", { status: "no voice", isDegraded: true, isReady: true }],
    ["X_HARBOR_HEALTH=healthy", { isDegraded: false }],
    ["X_HARBOR_HEALTH=splendid\nX_OTHER_HEALTH=degraded", {}],
    ["EXTEND_TIMEOUT_USEC=90000000", { extendMs: 90_000 }],
    ["EXTEND_TIMEOUT_USEC=18446744073709551615", { extendMs: 86_400_000 }],
    ["EXTEND_TIMEOUT_USEC=-1\nEXTEND_TIMEOUT_USEC=1e9\nEXTEND_TIMEOUT_USEC=\nEXTEND_TIMEOUT_USEC=0x10", {}],
    ["", {}],
  ];
  test.each(texts)("%j", (text, message) => {
    expect(parseNotification(text)).toEqual(message);
  });
});

const isLinux = process.platform === "linux";
let heard: NotifyMessage[];
let open: NotifySocket[];
let asked: number[];
let isMember: () => boolean;
beforeEach(() => {
  heard = [];
  open = [];
  asked = [];
  isMember = () => true;
});
afterEach(() => {
  for (const socket of open) socket.close();
});

async function listen(folder: string): Promise<NotifySocket> {
  const onMessage = (message: NotifyMessage): void => void heard.push(message);
  const socket = await NotifySocket.open({
    folder,
    onMessage,
    isMember: (pid) => {
      asked.push(pid);
      return isMember();
    },
  });
  open.push(socket);
  return socket;
}

/** A service that speaks through another program, as a shell script does; it stays until it is told to end. */
function speaker(socket: NotifySocket, script: string) {
  if (Bun.which("socat") === null) throw new Error("this test needs socat: apt-get install socat");
  const send = 'send() { printf "$1" | socat -u - "UNIX-SENDTO:$NOTIFY_SOCKET"; }';
  const env = { PATH: process.env.PATH ?? "", ...socket.environment };
  return Bun.spawn(["sh", "-c", `${send}; ${script}`], { env, stdin: "pipe", stdout: "inherit", stderr: "inherit" });
}

describe("NotifySocket", () => {
  test("hears a service that says it is ready, and what it says after that", async () => {
    const socket = await listen(makeFolder());
    const child = speaker(socket, "send 'STATUS=loading'; send 'READY=1\\nSTATUS=up'; read line; send STOPPING=1");
    await until(() => heard.some((message) => message.isReady), "it is ready");
    expect(heard).toEqual([{ status: "loading" }, { isReady: true, status: "up" }]);
    socket.setPace("running");
    child.stdin.write("\n");
    child.stdin.end();
    await until(() => heard.length === 3, "it stops");
    expect(heard[2]).toEqual({ isStopping: true });
    expect(await child.exited).toBe(0);
  });

  test("stands where only its user comes", async () => {
    const folder = makeFolder();
    const socket = await listen(folder);
    expect(socket.environment).toEqual({ NOTIFY_SOCKET: join(folder, "notify") });
    expect(statSync(socket.environment.NOTIFY_SOCKET).mode & 0o777).toBe(0o600);
    socket.close();
    open = [];
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is found again at the same place by the next one, which hears a service that runs already", async () => {
    const folder = makeFolder();
    const first = await listen(folder);
    const child = speaker(first, "read line; send READY=1");
    // as when its owner was killed: the socket's file stays
    const second = await listen(folder);
    child.stdin.write("\n");
    child.stdin.end();
    await until(() => heard.length > 0, "the next one hears it");
    expect(second.environment).toEqual(first.environment);
    expect(heard).toEqual([{ isReady: true }]);
    expect(await child.exited).toBe(0);
  });

  test("works for a service whose state folder lies too deep for a socket", async () => {
    const folder = join(makeFolder(), ...Array.from({ length: 8 }, () => "a-long-name-of-a-folder"));
    const socket = await listen(folder);
    const child = speaker(socket, "send READY=1");
    await until(() => heard.length > 0, "it is heard");
    expect(await child.exited).toBe(0);
    socket.close();
    open = [];
    expect(existsSync(join(socket.environment.NOTIFY_SOCKET, ".."))).toBe(false);
  });

  test.if(isLinux)("does not listen to a living process that is not the service's", async () => {
    isMember = () => false;
    const socket = await listen(makeFolder());
    const stranger = speaker(socket, '(printf READY=1; read line) | socat -u - "UNIX-SENDTO:$NOTIFY_SOCKET"');
    await until(() => asked.length > 0, "it has spoken");
    expect(heard).toEqual([]);
    isMember = () => true;
    expect(await speaker(socket, "send STATUS=mine").exited).toBe(0);
    await until(() => heard.length > 0, "the service is heard");
    expect(heard).toEqual([{ status: "mine" }]);
    stranger.stdin.end();
    expect(await stranger.exited).toBe(0);
  });

  test.if(isLinux)("listens to a helper that has ended since, of the same user", async () => {
    isMember = () => false;
    const socket = await listen(makeFolder());
    socket.setPace("running");
    expect(await speaker(socket, "send READY=1").exited).toBe(0);
    socket.look();
    expect(heard).toEqual([{ isReady: true }]);
  });

  test.if(isLinux)("listens to a helper that has ended and that nobody has waited for", async () => {
    isMember = () => false;
    const socket = await listen(makeFolder());
    socket.setPace("running");
    const child = speaker(socket, 'printf READY=1 | socat -u - "UNIX-SENDTO:$NOTIFY_SOCKET" & exec sleep 60');
    await until(() => readTable().entries.filter((it) => it.parent === child.pid && isDead(it)).length === 2, "both have ended");
    socket.look();
    expect(heard).toEqual([{ isReady: true }]);
    child.kill("SIGKILL");
    await child.exited;
  });

  test.if(isLinux && Bun.which("systemd-notify") !== null)(
    "does not keep systemd-notify waiting, which hands a descriptor along",
    async () => {
      const socket = await listen(makeFolder());
      const descriptors = (): number => readdirSync("/proc/self/fd").length;
      const before = descriptors();
      for (let times = 0; times < 3; times++) {
        const child = speaker(socket, "systemd-notify --ready --status=up");
        child.stdin.end();
        expect(await child.exited).toBe(0);
      }
      await until(() => heard.length === 3, "it is heard");
      expect(heard[2]).toEqual({ isReady: true, status: "up" });
      await until(() => descriptors() <= before, "each descriptor is closed");
    },
  );

  test("takes what a flood leaves room for, in turns", async () => {
    const socket = await listen(makeFolder());
    const child = speaker(socket, 'for i in $(seq 40); do send "STATUS=$i"; done');
    expect(await child.exited).toBe(0);
    await until(() => heard.length === 40, "all of it is heard");
    expect(heard.at(-1)).toEqual({ status: "40" });
  });
});

test.if(isLinux)("works in a bun without the compilers that cost memory, and says what it lacks in one that compiles nothing", async () => {
  const code = `import { NotifySocket } from ${JSON.stringify(join(import.meta.dir, "../../../routines/native/probe-process.ts"))};
const socket = await NotifySocket.open({ folder: ${JSON.stringify(makeFolder())}, onMessage: () => undefined, isMember: () => true });
socket.close();`;
  const run = async (variable: string): Promise<string> => {
    const child = Bun.spawn([process.execPath, "-e", code], {
      env: { PATH: process.env.PATH, [variable]: "0" },
      stdout: "pipe",
      stderr: "pipe",
    });
    return child.stderr.text();
  };
  expect(await run("BUN_JSC_useBaselineJIT")).toBe("");
  expect(await run("BUN_JSC_useJIT")).toContain("Cannot call the system's C library: bun:ffi requires the JIT");
});
