/** `harbor expose` and `harbor tunnel` where no container engine is: what they refuse, and what needs none. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { until } from "../_until.ts";
import { echoService, isRunning, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
const port = freePort();

/** A stand-in for cloudflared, which says that it is one. */
function standIn(script: string): Record<string, string> {
  const bin = join(box.root, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "stand-in.ts"), `console.error("This is a stand-in for cloudflared.");\n${script}`);
  writeFileSync(join(bin, "cloudflared"), `#!/bin/sh\nexec '${process.execPath}' --no-env-file '${join(bin, "stand-in.ts")}' "$@"\n`);
  chmodSync(join(bin, "cloudflared"), 0o755);
  return { PATH: `${bin}:${box.env.PATH}` };
}

const OPENS = 'console.error("INF |  https://a-stand-in.trycloudflare.com  |");\nsetInterval(() => undefined, 1000);\n';

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("echo", port),
    "kv/kv_native.yml": "x-harbor-native: { executable: sleep, daemon_args: ['9'], port: 1 }\n",
  });
  expect((await box.run(["up", "--no-defaults", "-x", "echo"])).exit).toBe(0);
});

afterAll(async () => {
  await box.remove();
});

const pidOf = (handle: string): number =>
  (JSON.parse(readFileSync(join(box.state, `reach/tunnel-${handle}/record.json`), "utf8")) as { process: { pid: number } }).process.pid;

describe("without an engine", () => {
  test.each([
    [["expose", "echo", "--address", "127.0.0.1"], 3, "container engine"],
    [["tunnel", "echo"], 3, "container engine"],
    [["expose", "ecko"], 4, 'did you mean "echo"?'],
    [["expose", "kv"], 1, "it does not run"],
    [["expose", "echo", "--cert", "x.pem"], 2, "--cert and --key go together"],
    [["expose", "echo", "--user", "a:b"], 2, "letters, digits"],
    [["expose", "echo", "--port", "x"], 2, "it is no number"],
    [["expose", "echo", "--password-from-env", "NOT_SET"], 2, "it is not set"],
    [["unexpose", "echo"], 1, "it is not exposed"],
    [["tunnel", "down", "echo"], 1, "it is not open by a tunnel"],
    [["tunnel", "../x"], 2, ""],
  ])("harbor %j ends with %d, and leaves nothing", async (words, exit, why) => {
    const result = await box.run(words);
    expect({ exit: result.exit, stdout: result.stdout }).toEqual({ exit, stdout: "" });
    expect(result.stderr).toContain(why);
    expect(existsSync(join(box.state, "reach"))).toBe(false);
  });

  test("nothing is open, and closing all of it is no failure", async () => {
    expect(await box.run(["expose"])).toMatchObject({ exit: 0, stdout: "" });
    expect(await box.json<unknown[]>(["tunnel", "ls"])).toEqual([]);
    expect(await box.run(["unexpose"])).toMatchObject({ exit: 0 });
    expect(await box.run(["tunnel", "down"])).toMatchObject({ exit: 0 });
  });
});

describe("a public tunnel by the program of this host", () => {
  test("leads to the service itself, is shown, and ends with it", async () => {
    const env = standIn(OPENS);
    const { exit, stdout, stderr } = await box.run(["tunnel", "echo", "--public"], { env });
    expect({ exit, url: stdout.split("\n")[0] }).toEqual({ exit: 0, url: "https://a-stand-in.trycloudflare.com" });
    expect(stderr).toContain("nobody is asked for a password");
    const pid = pidOf("echo");
    expect(isRunning(pid)).toBe(true);
    expect(await box.json<object[]>(["tunnel", "ls"])).toMatchObject([
      {
        handle: "echo",
        url: "https://a-stand-in.trycloudflare.com",
        target: `http://127.0.0.1:${port}`,
        user: null,
        password: null,
        isOpen: true,
      },
    ]);
    // another one takes its place
    expect((await box.run(["tunnel", "echo", "--public"], { env })).exit).toBe(0);
    await until(() => !isRunning(pid), "the first one ends");
    const next = pidOf("echo");
    expect((await box.run(["down", "echo"])).stderr).toContain("echo: closed https://a-stand-in.trycloudflare.com");
    await until(() => !isRunning(next), "the tunnel ends");
    expect(box.left()).toEqual([]);
    expect((await box.run(["up", "--no-defaults", "-x", "echo"])).exit).toBe(0);
  }, 20_000);

  test("that ends says why, and is not noted", async () => {
    const env = standIn('console.error("ERR failed to request quick Tunnel: no way out");\nprocess.exit(1);\n');
    const { exit, stderr } = await box.run(["tunnel", "echo", "--public"], { env });
    expect(exit).toBe(1);
    expect(stderr).toContain('Cannot tunnel "echo": cloudflared has ended');
    expect(stderr).toContain("no way out");
    expect(existsSync(join(box.state, "reach"))).toBe(false);
  });

  test("that was killed is told of, by the list and by the doctor", async () => {
    const env = standIn(OPENS);
    expect((await box.run(["tunnel", "echo", "--public"], { env })).exit).toBe(0);
    const pid = pidOf("echo");
    process.kill(pid, "SIGKILL");
    await until(() => !isRunning(pid), "it ends");
    expect((await box.run(["tunnel", "ls"])).stderr).toContain("No longer open: echo");
    expect((await box.run(["ps"])).stdout).not.toContain("trycloudflare");
    expect((await box.run(["doctor", "reach"])).stdout).toContain("is not any more");
    expect((await box.run(["tunnel", "down", "echo"])).exit).toBe(0);
  });

  test("is ended by Ctrl-C while it opens", async () => {
    const env = standIn("setInterval(() => undefined, 1000);\n");
    const child = box.start(["tunnel", "echo", "--public"], { env });
    const pid = await until(() => {
      try {
        return pidOf("echo");
      } catch {
        return undefined;
      }
    }, "it starts");
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    await until(() => !isRunning(pid), "it ends");
    expect(existsSync(join(box.state, "reach"))).toBe(false);
  });
});
