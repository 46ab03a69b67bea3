/** `harbor exec` and `shell` of what runs natively, and of what does not run. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { checkout, echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("tool", freePort()),
    "crate/compose.crate.yml": "services:\n  crate:\n    image: busybox:local\n",
    "both/compose.both.yml": "services:\n  both:\n    image: busybox:local\n",
    "both/both_native.yml": "x-harbor-native:\n  executable: sh\n  port: 1\n",
  });
});
afterAll(() => box.remove());

const folder = (): string => join(box.home, "services/tool");

describe("harbor exec", () => {
  test("runs any program of this host in a native service's folder and environment, whether that runs or not", async () => {
    const env = { HARBOR_ECHO_LEVEL: "from the configuration", SECRET: "of the shell" };
    const script = 'printf "%s\\n" "$ECHO_LEVEL" "${SECRET-none}" "$PWD" "$@"; exit 6';
    const ran = await box.run(["exec", "tool", "--", "sh", "-c", script, "sh", "--json", "--", "a b"], { env });
    expect(ran).toEqual({ exit: 6, stdout: `from the configuration\nnone\n${folder()}\n--json\n--\na b\n`, stderr: "" });
    expect((await box.run(["up", "tool"])).exit).toBe(0);
    expect((await box.run(["exec", "tool", "sh", "-c", "pwd"])).stdout).toBe(`${folder()}\n`);
    expect((await box.run(["down"])).exit).toBe(0);
  });

  test("says which program is not there", async () => {
    const { exit, stderr } = await box.run(["exec", "tool", "no-such-program"]);
    expect({ exit, stderr }).toEqual({
      exit: 3,
      stderr:
        'harbor: Cannot run "no-such-program" for "tool": "no-such-program" is not installed, or not on PATH\n  tool runs natively: its programs are those of this host\n',
    });
  });

  test.each([
    [["exec"], 2, "<handle> is missing"],
    [["exec", "tool"], 2, "there is no program"],
    [["exec", "tool", "--"], 2, "there is no program"],
    [["exec", "--usr=x", "tool", "ls"], 2, 'did you mean "--user"?'],
    [["exec", "-u"], 2, "needs a value"],
    [["exec", "../x", "ls"], 2, "a handle has only the letters"],
    [["exec", "toool", "ls"], 4, 'did you mean "tool"?'],
    [["exec", "crate", "ls"], 4, 'Cannot run a program in "crate": it is not up\n  Start it: harbor up crate\n'],
    [["shell"], 2, "<handle> is missing"],
    [["shell", "crat"], 4, 'did you mean "crate"?'],
    [["shell", "both"], 4, "its program on this host needs no start: harbor run both"],
  ])("harbor %j ends with %d", async (words, exit, message) => {
    expect(await box.run(words)).toMatchObject({ exit, stdout: "", stderr: expect.stringContaining(message) });
  });
});

describe("harbor shell", () => {
  test("of a native service is the user's own, in its folder and environment, and says so", async () => {
    const child = Bun.spawn([join(checkout, "bin/harbor"), "shell", "tool"], {
      cwd: box.root,
      env: { ...box.env, SHELL: "/bin/sh", HARBOR_ECHO_LEVEL: "high" },
      stdin: new Blob(['echo "$ECHO_LEVEL $PWD"; exit 4\n']),
      stdout: "pipe",
      stderr: "pipe",
    });
    expect(await resultOf(child)).toEqual({
      exit: 4,
      stdout: `high ${folder()}\n`,
      stderr: `harbor: tool runs natively: /bin/sh on this host, in ${folder()} and its environment\n`,
    });
    expect((await box.run(["shell", "tool", "echo", "-n", "x"])).stdout).toBe("x");
  });
});
