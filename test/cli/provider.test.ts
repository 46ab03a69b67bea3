/** `harbor compose` as docker compose calls it, where no engine is needed to see; and `harbor provider`, which makes it known. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command as installCommand } from "../../routines/provider/install-provider.ts";
import { type ProviderStatus, command as readCommand } from "../../routines/provider/read-provider.ts";
import { command as uninstallCommand } from "../../routines/provider/uninstall-provider.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { checkout, isRunning, readUntil, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
});
afterAll(() => box.remove());

interface Message {
  type: string;
  message: string;
}

/** Calls it as compose does; every line on stdout has to be a message. */
async function call(...words: string[]): Promise<{ exit: number; messages: Message[]; stderr: string }> {
  const { exit, stdout, stderr } = await box.run(["compose", ...words]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return { exit, messages: lines.map((line) => JSON.parse(line) as Message), stderr };
}

describe("harbor compose", () => {
  afterEach(async () => {
    await box.run(["down"]);
  });

  test("metadata names every option, and that it can be stopped", async () => {
    const { exit, stdout } = await box.run(["compose", "metadata"]);
    const { description, up, down, stop } = JSON.parse(stdout);
    expect({ exit, description, down, stop }).toEqual({
      exit: 0,
      description: expect.any(String),
      down: { parameters: [] },
      stop: { parameters: [] },
    });
    const names = up.parameters.map(({ name }: { name: string }) => name);
    expect(names).toEqual(["service", "workspace", "wait_timeout", "networks", "config"]);
    for (const it of up.parameters) expect(it).toEqual({ name: it.name, description: expect.any(String), required: false, type: "string" });
  });

  test.each([
    [[], 2, "Cannot answer docker compose: it says nothing to do"],
    [["upp", "x"], 2, 'Cannot answer docker compose: there is no "upp"'],
    [["up", "llm"], 2, 'Cannot answer docker compose: it needs "--project-name"'],
    [["--project-name=p", "up"], 2, "Cannot answer docker compose: it takes the name of one service"],
    [
      ["--project-name=p", "up", "--servic=ollama", "llm"],
      2,
      'Cannot use option "servic" of the compose service "llm": there is none of that name; did you mean "service"?',
    ],
    [["--project-name=p", "up", "--HARBOR_OLLAMA_HOST_PORT=1", "ollama"], 2, '  Write it under config: ["HARBOR_OLLAMA_HOST_PORT=…"]'],
    [
      ["--project-name=p", "up", "--wait_timeout=soon", "ollama"],
      2,
      'Cannot use wait_timeout "soon" of the compose service "ollama": it is no duration',
    ],
    [
      ["--project-name=p", "up", "--config=port", "ollama"],
      2,
      'Cannot use config "port" of the compose service "ollama": it is not KEY=VALUE',
    ],
    [["--project-name=p", "up", "--config=ollama.prt=1", "ollama"], 4, 'Cannot find key "ollama.prt": no file of the workspace names it'],
    [["--project-name=p", "up", "--service=olama", "llm"], 4, 'Cannot find service "olama"; did you mean "ollama"?'],
    [["--project-name=p", "up", "my_llm"], 2, "  Name the Harbor service, in provider: { type: harbor, options: { service: … } }"],
    [["--project-name=p", "up", "webui"], 1, 'Cannot run "webui" natively: it has no contract'],
    [["--project-name=P/../..", "up", "ollama"], 2, 'Cannot use project "P/../.."'],
    [["--project-name=p", "down", "../x"], 2, 'Cannot use service "../x"'],
  ])("%j is refused, on both streams, and leaves nothing", async (words, exit, text) => {
    const { messages, stderr, ...rest } = await call(...words);
    const [{ type, message } = { type: "", message: "" }] = messages;
    expect({ ...rest, type, count: messages.length }).toEqual({ exit, type: "error", count: 1 });
    expect(message).toContain(text);
    expect(stderr).toBe(`${message}\n`);
    expect(box.left()).toEqual([]);
  });

  test("Harbor's own project is nobody else's", async () => {
    const project = box.env.HARBOR_PROJECT as string;
    const { exit, messages } = await call(`--project-name=${project}`, "up", "mock-openai");
    expect({ exit, messages }).toMatchObject({
      exit: 2,
      messages: [{ message: expect.stringContaining("it has the name of Harbor's own") }],
    });
  });

  test("without an engine to join it to, the process is stopped again, and down leaves nothing", async () => {
    const up = await call("--project-name=p", "up", "--service=mock-openai", "llm");
    expect(up.exit).toBe(3);
    const said = up.messages.filter(({ type }) => type !== "debug").map(({ type, message }) => `${type} ${message.split("\n")[0]}`);
    expect(said.join("\n")).toMatch(
      /^info starting as process \d+\ninfo ready after .*\ninfo joining it to the project\nerror harbor: Cannot reach a container engine .*$/,
    );
    expect(await box.ps()).toMatchObject([{ handle: "mock-openai", state: "stopped", pid: null }]);
    const down = await call("--project-name=p", "down", "llm");
    expect(down).toMatchObject({ exit: 3, messages: [{ type: "error" }] });
    expect(box.left()).toEqual([]);
  });

  test("`harbor down` ends leases as well, and says what it cannot reach", async () => {
    await call("--project-name=p", "up", "--service=mock-openai", "llm");
    const down = await box.run(["down"]);
    expect(down).toMatchObject({ exit: 0, stdout: "mock-openai: stopped\n" });
    expect(down.stderr).toContain('mock-openai: also stops for compose project "p"\n');
    expect(down.stderr).toContain("No engine answers: containers are left in p; `docker compose down` there removes them");
    expect(box.left()).toEqual([]);
  });

  test("`harbor down` while it starts: nothing of it goes on", async () => {
    box.services({
      "slow/slow_native.yml": `x-harbor-native: { executable: sh, daemon_args: ["-c", "sleep 1000"], port: "${freePort()}", ready: { http: / } }\n`,
    });
    const child = box.start(["compose", "--project-name=p", "up", "slow"]);
    await readUntil(child.stdout, /starting as process/);
    const pid = await box.pidOf("slow");
    expect((await box.run(["down"])).exit).toBe(0);
    expect(await child.exited).toBe(1);
    expect(await child.stderr.text()).toContain('Cannot start "slow": it was taken down meanwhile');
    expect(isRunning(pid)).toBe(false);
    expect(box.left()).toEqual([]);
  });

  test("a service that `harbor up` has in a container is not started beside it", async () => {
    const bootId = (await Bun.file("/proc/sys/kernel/random/boot_id").text()).trim();
    const record = { project: "x", services: ["ollama"], natives: [], capabilities: [], planned: [], hasContainers: true, bootId };
    box.write({ "home/state/stack.json": JSON.stringify(record) });
    const { exit, messages } = await call("--project-name=p", "up", "ollama");
    rmSync(join(box.state, "stack.json"));
    const message = 'harbor: Cannot start "ollama" natively: `harbor up` has it running in a container';
    expect({ exit, messages }).toMatchObject({ exit: 1, messages: [{ message: expect.stringContaining(message) }] });
  });
});

describe("harbor provider", () => {
  const link = (): string => join(box.root, ".docker/cli-plugins/docker-harbor");
  const plugin = join(checkout, "bin/docker-harbor");
  const status = (): Promise<ProviderStatus> => box.json<ProviderStatus>(["provider", "status"]);

  test("install, status, uninstall", async () => {
    expect(await status()).toMatchObject({ isInstalled: false, path: link(), target: null });
    expect(await box.run(["provider", "install"])).toMatchObject({ exit: 0, stderr: "" });
    expect(readlinkSync(link())).toBe(plugin);
    expect(await status()).toMatchObject({ isInstalled: true, target: plugin });
    expect((await box.run(["provider", "status"])).stdout).toMatch(/^plugin +installed\nlink +.* -> .*\ncompose +/);
    expect(await box.run(["provider", "uninstall"])).toMatchObject({ exit: 0, stdout: `removed ${link()}\n` });
    expect(await box.run(["provider", "uninstall"])).toMatchObject({ exit: 0, stdout: "not installed\n" });
  });

  test("a link of another Harbor makes way, what is not Harbor's stays", async () => {
    mkdirSync(join(box.root, ".docker/cli-plugins"), { recursive: true });
    symlinkSync("/gone/bin/docker-harbor", link());
    expect((await box.run(["provider", "install"])).exit).toBe(0);
    expect(readlinkSync(link())).toBe(plugin);
    rmSync(link());
    writeFileSync(link(), "theirs");
    for (const word of ["install", "uninstall", "status"]) {
      const { exit, stderr } = await box.run(["provider", word]);
      expect({ exit, stderr }).toEqual({ exit: 1, stderr: expect.stringContaining("it is no link, which Harbor did not make") });
    }
    expect(await Bun.file(link()).text()).toBe("theirs");
    rmSync(link());
  });

  test("a compose that knows of no providers is told of", async () => {
    const folder = join(box.root, "old/cli-plugins");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "docker-compose"), "#!/bin/sh\necho 2.35.1\n", { mode: 0o755 });
    const { stdout } = await box.run(["provider", "status"], { env: { DOCKER_CONFIG: join(box.root, "old") } });
    expect(stdout).toContain("2.35.1: services with `provider:` need 2.36 or newer");
  });

  test("its parts have names of their own", () => {
    expect([installCommand, readCommand, uninstallCommand].map(({ meta }) => meta.name)).toEqual([
      "install-provider",
      "read-provider",
      "uninstall-provider",
    ]);
  });
});

describe("bin/docker-harbor", () => {
  const plugin = join(checkout, "bin/docker-harbor");
  const run = (words: string[], env: Record<string, string> = box.env) =>
    resultOf(Bun.spawn(words, { env, stdin: "pipe", stdout: "pipe", stderr: "pipe" }));

  test("tells docker what it is, with no other program there", async () => {
    const { exit, stdout } = await run([plugin, "docker-cli-plugin-metadata"], { PATH: "/nonexistent" });
    const { version } = JSON.parse(await Bun.file(join(checkout, "package.json")).text());
    expect({ exit, said: JSON.parse(stdout) }).toEqual({
      exit: 0,
      said: { SchemaVersion: "0.1.0", Vendor: "Harbor", Version: version, ShortDescription: expect.any(String) },
    });
  });

  test("is Harbor, through links and by docker's way to call it", async () => {
    const links = join(box.root, "some links");
    mkdirSync(links);
    symlinkSync(plugin, join(links, "docker-harbor"));
    symlinkSync("docker-harbor", join(links, "again"));
    const expected = await box.run(["version"]);
    for (const words of [["version"], ["harbor", "version"]]) expect(await run([join(links, "again"), ...words])).toEqual(expected);
    expect((await run([join(links, "again"), "compose", "metadata"])).stdout).toBe((await box.run(["compose", "metadata"])).stdout);
  });
});
