/** `harbor prune` of files: what goes, what stays, and that it shows and asks first. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { checkout, echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

/** Of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = Bun.spawn(["true"]);
  await child.exited;
  return child.pid;
}

beforeAll(async () => {
  box = await Sandbox.create();
  box.services(echoService("mine", freePort()));
});
afterEach(async () => {
  await box.run(["down"]);
  for (const name of ["state", "data", "env"]) rmSync(join(box.home, name), { recursive: true, force: true });
});
afterAll(() => box.remove());

interface Row {
  kind: string;
  name: string;
  bytes: number | null;
  why: string;
  isRemoved: boolean;
}

const at = (name: string): string => join(box.home, name);
const files = ["logs", "state", "environments"];
const found = async (...words: string[]): Promise<[string, string][]> =>
  (await box.json<Row[]>(["prune", ...files, ...words])).map((it) => [it.kind, it.name.replace(`${box.home}/`, "")]);

describe("harbor prune", () => {
  test("takes what killed commands left, and leaves what somebody who lives is writing, and what is anybody's own", async () => {
    const [dead, alive] = [await deadPid(), process.pid];
    box.write({
      [`home/config.env.${dead}.tmp`]: "HARBOR_HF_TOKEN=secret\n",
      [`home/config.env.${alive}.tmp`]: "",
      [`home/env/mine.env.${dead}.tmp`]: "",
      [`home/state/lock.${dead}.0a1b2c3d.tmp`]: "",
      [`home/state/one-off/${dead}/values.env`]: "",
      [`home/state/one-off/${alive}/values.env`]: "",
      [`home/data/.harbor-restore-${dead}/webui/x`]: "",
      "home/data/webui/notes.4711.txt": "",
      "home/config.env": "HARBOR_HF_TOKEN=secret\n",
      "home/state/native/ghost/log": "",
    });
    const left: [string, string][] = [
      ["state", `config.env.${dead}.tmp`],
      ["state", `state/lock.${dead}.0a1b2c3d.tmp`],
      ["state", `data/.harbor-restore-${dead}`],
      ["state", `env/mine.env.${dead}.tmp`],
      ["state", `state/one-off/${dead}`],
      ["state", "state/native/ghost"],
    ];
    expect((await found("--dry-run")).sort()).toEqual(left.toSorted());
    expect((await found("--yes")).sort()).toEqual(left.toSorted());
    for (const [, name] of left) expect([name, existsSync(at(name))]).toEqual([name, false]);
    for (const name of [`config.env.${alive}.tmp`, `state/one-off/${alive}/values.env`, "data/webui/notes.4711.txt", "config.env"]) {
      expect([name, existsSync(at(name))]).toEqual([name, true]);
    }
    rmSync(at(`config.env.${alive}.tmp`));
    rmSync(at("config.env"));
  });

  test("takes nothing of anybody's own that is only called as such files are, in a data folder elsewhere neither", async () => {
    const dead = await deadPid();
    const own = [
      `home/report.${dead}.tmp`,
      `home/env/notes.${dead}.tmp`,
      `elsewhere/download.${dead}.tmp`,
      `elsewhere/mine.env.${dead}.tmp`,
    ];
    const left = `elsewhere/.harbor-restore-data-${dead}`;
    box.write(Object.fromEntries([...own, `${left}/webui/x`].map((name) => [name, ""])));
    const env = { HARBOR_DATA: join(box.root, "elsewhere") };
    const { stdout } = await box.run(["prune", "state", "--yes", "--json"], { env });
    expect((JSON.parse(stdout) as Row[]).map(({ name }) => name)).toEqual([join(box.root, left)]);
    for (const name of own) expect([name, existsSync(join(box.root, name))]).toEqual([name, true]);
    rmSync(at(`report.${dead}.tmp`));
  });

  test("takes old parts of a log of what runs, but for the newest; that goes on, and logs show the rest", async () => {
    expect((await box.run(["up", "-x", "mine"])).exit).toBe(0);
    const old = new Uint8Array(Bun.gzipSync("2026-01-31T12:00:00.123Z out 0.7 long ago\n"));
    for (const number of [1, 2]) await Bun.write(at(`state/native/mine/log.${number}.gz`), old);
    expect(await found("--dry-run")).toEqual([["logs", "state/native/mine/log.1.gz"]]);
    const { exit, stdout, stderr } = await box.run(["prune", ...files, "--yes"]);
    expect([exit, stdout, stderr]).toEqual([0, `removed ${at("state/native/mine/log.1.gz")}\n`, `harbor: 1 removed, ${old.length} B\n`]);
    expect((await box.run(["logs", "mine"])).stdout).toContain("mine listens");
    expect((await box.ps())[0]?.state).toBe("running");
    expect(await found("--dry-run")).toEqual([]);
  });

  test("takes the environment of a service that is gone, and no data", async () => {
    box.write({
      "home/data/gone/python/harbor-env.json": "{}",
      "home/data/gone/python/lib/x.py": "x",
      "home/data/gone/notes.txt": "mine",
      "home/data/mine/python/harbor-env.json": "{}",
    });
    expect(await found("--yes")).toEqual([["environments", "data/gone/python"]]);
    expect([existsSync(at("data/gone/python")), existsSync(at("data/gone/notes.txt"))]).toEqual([false, true]);
    expect(existsSync(at("data/mine/python/harbor-env.json"))).toBe(true);
  });

  test("follows no link out of what it removes", async () => {
    box.write({ "precious/file": "x" });
    mkdirSync(at("data/gone/python"), { recursive: true });
    await Bun.write(at("data/gone/python/harbor-env.json"), "{}");
    await Bun.$`ln -s ${join(box.root, "precious")} ${at("data/gone/python/lib")}`.quiet();
    await Bun.$`ln -s ${join(box.root, "precious")} ${at("data/also-gone")}`.quiet();
    expect(await found("--yes")).toEqual([["environments", "data/gone/python"]]);
    expect(existsSync(join(box.root, "precious/file"))).toBe(true);
  });

  test("shows it and asks; without a terminal to ask on it ends with 2 and removes nothing", async () => {
    box.write({ "home/state/native/ghost/log": "" });
    const { exit, stdout, stderr } = await box.run(["prune", ...files]);
    expect([exit, stdout]).toEqual([
      2,
      expect.stringMatching(/^WHAT +SIZE +NAME +WHY\nstate +[\d.]+ k?B +\S+\/native\/ghost +nothing is known/),
    ]);
    expect(stderr).toContain("Say --yes to remove it unasked, --dry-run only to see it");
    expect(existsSync(at("state/native/ghost"))).toBe(true);
    expect(await box.run(["prune", "--json", ...files])).toMatchObject({
      exit: 2,
      stdout: "",
      stderr: expect.stringContaining("Cannot ask with --json"),
    });
    for (const [answer, isLeft] of [
      ["n", true],
      ["", true],
      ["y", false],
    ] as const) {
      const child = Bun.spawn(["script", "-qec", `${join(checkout, "bin/harbor")} prune ${files.join(" ")}`, "/dev/null"], {
        env: box.env,
        cwd: box.root,
        stdin: new Blob([`${answer}\n`]),
        stdout: "pipe",
        stderr: "pipe",
      });
      const result = await resultOf(child);
      expect([answer, result.exit, existsSync(at("state/native/ghost"))]).toEqual([answer, isLeft ? 1 : 0, isLeft]);
      expect(result.stdout).toMatch(/Remove all of this \([\d.]+ k?B\)\? \[y\/N\]/);
    }
  });

  test("says what it does not know, and what it cannot look at", async () => {
    expect(await box.run(["prune", "logz"])).toMatchObject({ exit: 2, stderr: expect.stringContaining('did you mean "logs"?') });
    const { exit, stderr } = await box.run(["prune", "--dry-run"]);
    expect([exit, stderr]).toEqual([
      0,
      expect.stringContaining("What containers have left is not looked at: Cannot reach a container engine"),
    ]);
    expect(existsSync(box.state)).toBe(false);
  });
});
