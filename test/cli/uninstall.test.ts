/** `harbor uninstall`: what it shows, what goes, and that data stays unless it is asked for. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "../../routines/_script/lock.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { checkout, echoService, isRunning, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let port: number;

beforeAll(async () => {
  box = await Sandbox.create();
  port = freePort();
  await box.run(["version"]); // builds what is stale
}, 30_000);
beforeEach(async () => {
  await box.run(["down"]);
  rmSync(box.home, { recursive: true, force: true });
  mkdirSync(box.home);
  box.services(echoService("mine", port));
  box.write({ "home/config.env": "HARBOR_HF_TOKEN=x\n", "home/data/mine/notes.txt": "mine", "home/mine.txt": "nobody knows" });
});
afterAll(() => box.remove());

const at = (name: string): string => join(box.home, name);

interface Uninstalled {
  removed: string[];
  kept: { name: string; why: string }[];
  program: string;
}

async function installAll(): Promise<number> {
  expect((await box.run(["up", "-x", "mine"])).exit).toBe(0);
  expect([0, 3]).toContain((await box.run(["autostart", "enable", "mine"])).exit);
  expect((await box.run(["provider", "install"])).exit).toBe(0);
  return box.pidOf("mine");
}

const unit = (): string => join(box.root, ".config/systemd/user");
const plugin = (): string => join(box.root, ".docker/cli-plugins/docker-harbor");

describe("harbor uninstall", () => {
  test("D17: stops what runs, takes back autostart, the provider's link and the state, and leaves what is the user's", async () => {
    const pid = await installAll();
    const { removed, kept, program } = await box.json<Uninstalled>(["uninstall", "--yes"]);
    expect(removed).toEqual(["mine", expect.stringContaining("systemd/user/harbor-"), plugin(), box.state, at("history.jsonl")]);
    expect([isRunning(pid), existsSync(box.state), existsSync(plugin())]).toEqual([false, false, false]);
    expect(readdirSync(unit(), { recursive: true }).filter((name) => String(name).includes("harbor"))).toEqual([]);
    expect(readdirSync(box.home).sort()).toEqual(["config.env", "data", "mine.txt", "services"]);
    expect(kept.map(({ name }) => name)).toEqual([at("config.env"), at("services"), at("data/mine"), at("mine.txt")]);
    expect(program).toBe(`rm -rf ${checkout}`);
    expect(await box.json<Uninstalled>(["uninstall", "--yes"])).toMatchObject({ removed: [] });
  });

  test("with --remove-data takes that too, and still nothing that is not Harbor's", async () => {
    await installAll();
    const { exit, stdout, stderr } = await box.run(["uninstall", "--yes", "--remove-data"]);
    expect([exit, stdout]).toEqual([0, expect.stringContaining(`removed ${at("data/mine")}\n`)]);
    expect(stderr).toContain(`harbor: ${at("mine.txt")} stays: Harbor does not know what it is\n`);
    expect(stderr).toContain("harbor: the program itself goes with: rm -rf ");
    expect(readdirSync(box.home)).toEqual(["mine.txt"]);
  });

  test("takes what killed commands were writing, which may hold secrets, and notes nothing of itself", async () => {
    const gone = Bun.spawn(["true"]);
    await gone.exited;
    await box.run(["config", "set", "mine.level", "1", "--force"]);
    expect(existsSync(at("history.jsonl"))).toBe(true);
    box.write({ [`home/config.env.${gone.pid}.tmp`]: "HARBOR_HF_TOKEN=x\n", "home/aliases.json": "{}\n" });
    const { kept } = await box.json<Uninstalled>(["uninstall", "--yes"]);
    expect(readdirSync(box.home).sort()).toEqual(["aliases.json", "config.env", "data", "mine.txt", "services"]);
    expect(kept.map(({ name }) => name)).toContain(at("aliases.json"));
  });

  test("leaves no folder of its own where nothing else was in it", async () => {
    rmSync(at("mine.txt"));
    expect((await box.run(["uninstall", "--yes", "--remove-data"])).exit).toBe(0);
    expect(existsSync(box.home)).toBe(false);
  });

  test("of data that lies elsewhere takes only what services are called by", async () => {
    box.write({ "disk/mine/notes.txt": "mine", "disk/photos/cat.jpg": "cat" });
    await box.run(["config", "set", "data", join(box.root, "disk")]);
    const { removed } = await box.json<Uninstalled>(["uninstall", "--yes", "--remove-data"]);
    expect(removed).toContain(join(box.root, "disk/mine"));
    expect(readdirSync(join(box.root, "disk"))).toEqual(["photos"]);
    expect(existsSync(at("data/mine"))).toBe(true); // was in use before the data was moved: not asked for
  });

  test("of a data folder that holds more than Harbor's takes nothing, and says so", async () => {
    box.write({ "mine/checkout.txt": "a folder of the user's that is called as a service is" });
    await box.run(["config", "set", "data", box.root]);
    const { removed, kept } = await box.json<Uninstalled>(["uninstall", "--yes", "--remove-data"]);
    expect(removed).not.toContain(join(box.root, "mine"));
    expect(kept).toContainEqual({ name: box.root, why: expect.stringContaining("yours to remove") });
    expect(existsSync(join(box.root, "mine/checkout.txt"))).toBe(true);
    rmSync(join(box.root, "mine"), { recursive: true });
  });

  test("waits for a command that is about to start something, which would lose its record", async () => {
    box.write({ "home/state/host.json": "{}" });
    let uninstall: ReturnType<typeof box.start> | undefined;
    await withLock(join(box.state, "lock"), async () => {
      uninstall = box.start(["uninstall", "--yes"]);
      // as much as it does itself before it removes anything, several times over: without a lock it would have ended by then
      for (let count = 0; count < 5; count++) await box.run(["uninstall", "--dry-run"]);
      expect([uninstall.exitCode, existsSync(join(box.state, "host.json"))]).toEqual([null, true]);
    });
    expect(await uninstall?.exited).toBe(0);
    expect(existsSync(box.state)).toBe(false);
  });

  test("shows it and changes nothing with --dry-run, or where nobody can be asked", async () => {
    await installAll();
    const pid = await box.pidOf("mine");
    const dry = await box.run(["uninstall", "--dry-run"]);
    expect([dry.exit, dry.stderr]).toEqual([0, ""]);
    expect(dry.stdout).toMatch(/^WHAT +SIZE +HOLDS\nmine +- +services that are up/);
    expect(dry.stdout).not.toContain("notes");
    const { exit, stderr } = await box.run(["uninstall"]);
    expect([exit, stderr]).toEqual([2, expect.stringContaining("Say --yes to do it unasked")]);
    expect([isRunning(pid), existsSync(plugin())]).toEqual([true, true]);
    expect(await box.run(["uninstall", "--keep-data", "--remove-data"])).toMatchObject({ exit: 2 });
    await box.run(["autostart", "disable"]);
    await box.run(["provider", "uninstall"]);
  });

  test.each([
    ["n", [], 1, true, true],
    ["y\nn", [], 0, false, true],
    ["y\ny", [], 0, false, false],
    ["y", ["--keep-data"], 0, false, true],
  ])("asks, and about data by itself: %j", async (answers, words, code, hasState, hasData) => {
    expect((await box.run(["up", "-x", "mine"])).exit).toBe(0);
    const child = Bun.spawn(["script", "-qec", [join(checkout, "bin/harbor"), "uninstall", ...words].join(" "), "/dev/null"], {
      env: box.env,
      cwd: box.root,
      stdin: new Blob([`${answers}\n`]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const { exit, stdout } = await resultOf(child);
    expect([exit, existsSync(box.state), existsSync(at("data/mine/notes.txt"))]).toEqual([code, hasState, hasData]);
    if (words.length > 0) expect(stdout).not.toContain("as well?");
  });

  test("refuses a home that holds more than Harbor", async () => {
    const { exit, stderr } = await box.run(["uninstall", "--yes", "--remove-data"], { env: { HARBOR_HOME: box.root } });
    expect([exit, stderr]).toEqual([1, expect.stringContaining("which holds more than Harbor")]);
  });
});
