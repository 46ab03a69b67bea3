/** `harbor open`, `qr` and `url --lan`: a running service, in the browser of this host or on another machine. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { until } from "../_until.ts";
import { echoService, readUntil, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
const ports = { plain: freePort(), page: freePort(), slow: freePort() };
let env: Record<string, string>;

/** Ready as soon as the file `go` stands beside it. */
const slow = (port: number): string => `x-harbor-native:
  executable: bun
  daemon_args: [main.ts]
  port: ${port}
  env: { ECHO_PORT: "${port}" }
  ready: { exec: test -e go, start_interval: 20ms, timeout: 20s }
`;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    ...echoService("plain", ports.plain),
    ...echoService("page", ports.page),
    "page/compose.page.yml": "x-harbor: { name: Page, tags: [frontend] }\nservices: { page: { image: page } }\n",
    "slow/main.ts": echoService("slow", ports.slow)["slow/main.ts"] ?? "",
    "slow/slow_native.yml": slow(ports.slow),
  });
  // a stand-in for the desktop's own program: notes what it is asked to open
  box.write({ "bin/xdg-open": `#!/bin/sh\nprintf '%s\\n' "$@" > ${join(box.root, "opened")}\n` });
  chmodSync(join(box.root, "bin/xdg-open"), 0o755);
  env = { PATH: `${join(box.root, "bin")}:${box.env.PATH}` };
});
afterEach(async () => {
  await box.run(["down"]);
  for (const path of ["opened", "home/config.env", "home/services/slow/go"]) rmSync(join(box.root, path), { force: true });
});
afterAll(() => box.remove());

const opened = (): string | undefined =>
  existsSync(join(box.root, "opened")) ? readFileSync(join(box.root, "opened"), "utf8").trim() : undefined;

describe.skipIf(process.platform !== "linux")("harbor open (the opener is Linux's)", () => {
  test("opens the named service; without a name the frontend; with ui.main that one", async () => {
    await box.run(["up", "-x", "plain", "-x", "page"]);
    const url = (handle: "plain" | "page"): string => `http://127.0.0.1:${ports[handle]}`;
    expect(await box.run(["open", "plain"], { env })).toEqual({ exit: 0, stdout: `${url("plain")}\n`, stderr: "" });
    expect(opened()).toBe(url("plain"));
    expect(await box.json<object>(["open"], { env })).toEqual({ handle: "page", url: url("page") });
    expect(opened()).toBe(url("page"));
    expect((await box.run(["config", "set", "ui.main", "plain"])).exit).toBe(0);
    expect((await box.json<{ handle: string }>(["open"], { env })).handle).toBe("plain");
  });

  test("opens what open_url says: a path of the service's, or a URL", async () => {
    await box.run(["up", "-x", "plain"]);
    const set = async (value: string) => box.run(["config", "set", "plain.open_url", value]);
    expect((await set("/chat?a=b")).exit).toBe(0);
    await box.run(["open", "plain"], { env });
    expect(opened()).toBe(`http://127.0.0.1:${ports.plain}/chat?a=b`);
    await set("https://example.org/x");
    await box.run(["open", "plain"], { env });
    expect(opened()).toBe("https://example.org/x");
    rmSync(join(box.root, "opened"));
    await set("file:///etc/passwd");
    const { exit, stderr } = await box.run(["open", "plain"], { env });
    expect({ exit, stderr }).toEqual({
      exit: 1,
      stderr: expect.stringContaining('plain.open_url is "file:///etc/passwd", which is no http or https URL'),
    });
    expect(opened()).toBeUndefined();
  });

  test("waits until it is ready", async () => {
    const up = box.start(["up", "-x", "slow"]);
    await readUntil(up.stderr, /slow: starting/);
    const open = box.start(["open", "slow"], { env });
    expect((await readUntil(open.stderr, /^[^\n]*\n/))[0]).toBe("harbor: slow is starting; waiting until it is ready\n");
    expect(opened()).toBeUndefined();
    writeFileSync(join(box.home, "services/slow/go"), "");
    expect((await resultOf(open)).exit).toBe(0);
    expect(await until(opened, "it is opened")).toBe(`http://127.0.0.1:${ports.slow}`);
    await up.exited;
  }, 15_000);

  test("waits no longer than it is told, and says so", async () => {
    const up = box.start(["up", "-x", "slow"]);
    await readUntil(up.stderr, /slow: starting/);
    const { exit, stderr } = await box.run(["open", "slow", "--wait-timeout", "100ms"], { env });
    expect({ exit, stderr }).toEqual({ exit: 5, stderr: expect.stringContaining('Cannot open "slow": it is not ready yet') });
    up.kill("SIGINT");
    await up.exited;
  }, 15_000);
});

describe("what cannot be", () => {
  test.each([
    [["open"], 1, "Cannot choose a service: nothing is up"],
    [["open", "page"], 4, 'Cannot open "page": it is not up'],
    [["open", "pag"], 4, 'Cannot find service "pag"; did you mean "page"?'],
    [["open", "a/b"], 2, 'Cannot use "a/b" as a service'],
    [["open", "page", "--wait-timeout", "soon"], 2, 'Cannot use --wait-timeout "soon": it is no duration'],
    [["qr"], 1, "Cannot choose a service: nothing is up"],
    [["qr", "pag"], 4, 'Cannot find service "pag"; did you mean "page"?'],
    [["qr", "page"], 4, 'Cannot print a URL of "page": it is not up'],
    [["url", "--lan", "--internal"], 2, 'Cannot run "url": --internal and --lan exclude each other'],
  ])("%j ends with %d", async (words, code, message) => {
    const { exit, stdout, stderr } = await box.run(words, { env });
    expect({ exit, stdout }).toEqual({ exit: code, stdout: "" });
    expect(stderr).toStartWith(`harbor: ${message}`);
  });

  test("D9: what listens on loopback has no URL for others, and no QR code; how to have one is said", async () => {
    await box.run(["up", "-x", "page"]);
    for (const words of [["qr", "page"], ["qr"], ["url", "--lan", "page"]]) {
      const { exit, stdout, stderr } = await box.run(words);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
      expect(stderr).toMatch(
        /^harbor: Cannot print a URL of "page" for other machines: it listens on this host alone\n.*`harbor expose page` opens it to the local network, with TLS and a password\n$/,
      );
    }
    expect(await box.run(["url", "--lan"])).toEqual({
      exit: 0,
      stdout: "",
      stderr: "harbor: nothing that runs is open to the local network\n",
    });
  });
});
