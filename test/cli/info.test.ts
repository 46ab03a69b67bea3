/** `harbor info`: all about one service, as a person meets it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ServiceInfo } from "../../routines/stack/describe-handle.ts";
import { freePort } from "../_ports.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let port: number;

beforeAll(async () => {
  box = await Sandbox.create();
  port = freePort();
  box.services({
    ...echoService("echo", port),
    "echo/compose.echo.yml": `x-harbor:
  name: Echo
  description: Says what it is told
  tags: [frontend]
  provides: [echoes]
  docs: https://example.org/docs
  example: curl {url}
services:
  echo:
    image: "echo:\${HARBOR_ECHO_VERSION:-1}"
    environment: { KEY: "\${HARBOR_ECHO_API_KEY:-}" }
    ports: ["127.0.0.1:${port}:80"]
`,
    "webui/compose.x.webui.echo.yml": "services: { webui: { environment: { A: b } } }\n",
    "broken/compose.broken.yml": "services:\n  broken: [\n",
    "absent/absent_native.yml": "x-harbor-native: { executable: not-there-at-all, port: 41399, install: { any: get it somewhere } }\n",
  });
});
afterEach(() => rmSync(join(box.home, "config.env"), { force: true }));
afterAll(() => box.remove());

const info = (...words: string[]): Promise<ServiceInfo> => box.json<ServiceInfo>(["info", ...words]);

describe("harbor info", () => {
  test("says what the folder says, what it would run on and why, and where it would be reached", async () => {
    expect(await info("echo")).toMatchObject({
      handle: "echo",
      name: "Echo",
      description: "Says what it is told",
      docs: "https://example.org/docs",
      layer: "user",
      isUp: false,
      runtime: "container",
      because: expect.stringContaining("auto: "),
      runs: "echo:1",
      problem: null,
      urls: { local: [`http://127.0.0.1:${port}`], lan: [], internal: ["http://echo:80"] },
      expose: expect.stringContaining("harbor expose echo"),
      data: { folder: join(box.home, "data/echo"), exists: false },
      contract: {
        path: join(box.home, "services/echo/echo_native.yml"),
        executable: "bun",
        file: expect.stringMatching(/^\//),
        problem: null,
      },
    });
    const { stdout } = await box.run(["info", "echo"]);
    expect(stdout).toStartWith("Echo (echo)\nSays what it is told\n\nstate ");
    expect(stdout).toMatch(/^would run +in a container: auto: /m);
    expect(stdout).toMatch(/^LAN +this host alone\. /m);
    expect(stdout).toMatch(new RegExp(`^try +curl http://127.0.0.1:${port}$`, "m"));
  });

  test("lists its own files first, then those of others that are added with it", async () => {
    const { files } = await info("echo");
    expect(files.map(({ kind, path }) => `${kind} ${path.slice(path.lastIndexOf("/") + 1)}`)).toEqual([
      expect.stringMatching(/^(definition|contract) /),
      expect.stringMatching(/^(definition|contract) /),
      "cross compose.x.webui.echo.yml",
    ]);
  });

  test("masks secrets unless they are asked for", async () => {
    writeFileSync(join(box.home, "config.env"), "HARBOR_ECHO_API_KEY=sk-very-secret\nHARBOR_ECHO_LEVEL=loud\n");
    const { settings } = await info("echo");
    const found = (name: string) => settings.find((it) => it.name === name);
    expect(found("HARBOR_ECHO_API_KEY")).toMatchObject({ key: "echo.api_key", value: "********", secret: true });
    expect(found("HARBOR_ECHO_LEVEL")).toMatchObject({
      value: "loud",
      origin: join(box.home, "config.env"),
      default: "default",
      secret: false,
    });
    expect(settings.some((it) => it.name.startsWith("HARBOR_WEBUI"))).toBe(false);
    expect((await box.run(["info", "echo"])).stdout).not.toContain("sk-very-secret");
    expect((await box.run(["info", "echo", "--show-secrets"])).stdout).toContain("sk-very-secret");
  });

  test("of what runs says what it runs on", async () => {
    await box.run(["up", "-x", "echo"]);
    const { isUp, runtime, because, urls, expose } = await info("echo");
    expect({ isUp, runtime, because }).toEqual({ isUp: true, runtime: "native", because: "-x asks for it" });
    expect(urls.local).toEqual([`http://127.0.0.1:${port}`]);
    expect(expose).toContain("harbor expose echo");
    expect((await box.run(["info", "echo"])).stdout).toMatch(/^runs +natively: -x asks for it$/m);
    await box.run(["down"]);
  });

  test("D11: of a broken folder says what is wrong with it; that of another is nobody else's", async () => {
    const { exit, stdout } = await box.run(["info", "broken"]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^problem +\S+\/broken\/compose\.broken\.yml:\d+:\d+: /m);
    expect((await info("echo")).problem).toBeNull();
  });

  test("of a program that is not installed says how to get it", async () => {
    expect((await info("absent")).contract).toMatchObject({ executable: "not-there-at-all", file: null, install: "get it somewhere" });
    expect((await box.run(["info", "absent"])).stdout).toMatch(/^program +not-there-at-all is not installed; get it somewhere$/m);
  });

  test.each([
    [["ecko"], 4, 'Cannot find service "ecko"; did you mean "echo"?'],
    [["../x"], 2, 'Cannot use "../x" as a service'],
    [[], 2, 'Cannot run "info": <handle> is missing'],
  ])("%j ends with %d", async (words, code, message) => {
    const { exit, stdout, stderr } = await box.run(["info", ...words]);
    expect({ exit, stdout }).toEqual({ exit: code, stdout: "" });
    expect(stderr).toStartWith(`harbor: ${message}`);
  });

  test("D12: leaves the home as it was", async () => {
    const before = readdirSync(box.home, { recursive: true }).sort();
    await box.run(["info", "echo"]);
    expect(readdirSync(box.home, { recursive: true }).sort()).toEqual(before);
    expect(existsSync(box.state)).toBe(false);
  });
});
