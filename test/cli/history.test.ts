/** `harbor history`: what was changed, and never a secret. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { HistoryEntry } from "../../routines/history/history-file.ts";
import { freePort } from "../_ports.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services(echoService("echo", freePort()));
});
afterEach(async () => {
  await box.run(["down"]);
  for (const name of ["history.jsonl", "config.env", "env/echo.env", "aliases.json"]) rmSync(join(box.home, name), { force: true });
});
afterAll(() => box.remove());

const history = (...words: string[]): Promise<HistoryEntry[]> => box.json<HistoryEntry[]>(["history", ...words]);
const lines = async (): Promise<string[]> => (await history()).map((it) => [it.command, ...it.words, it.exit].join(" "));

describe("harbor history", () => {
  test("has what was changed, in order, with how it ended", async () => {
    await box.run(["up", "-x", "echo", "--no-defaults"]);
    await box.run(["restart", "echo"]);
    await box.run(["config", "set", "echo.level", "loud"]);
    await box.run(["config", "unset", "echo.level"]);
    await box.run(["up", "hollama"]); // there is no engine here
    await box.run(["supervisor", "restart"]);
    await box.run(["down", "echo"]);
    expect(await lines()).toEqual([
      "up --exclude echo --no-defaults 0",
      "restart echo 0",
      "config set echo.level ******** 0",
      "config unset echo.level 0",
      "up hollama 3",
      "supervisor restart 0",
      "down echo 0",
    ]);
    const { stdout } = await box.run(["history", "--tail", "3"]);
    expect(stdout.split("\n").slice(0, 3)).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}exit 3 {2}harbor up hollama$/),
      expect.stringMatching(/Z +harbor supervisor restart$/),
      expect.stringMatching(/Z +harbor down echo$/),
    ]);
  });

  test("has what images, backups and tidying up were asked for, and not what was only looked at", async () => {
    const archive = join(box.root, "echo.tar.gz");
    await box.run(["config", "set", "echo.level", "loud"]);
    for (const words of [
      ["backup", "echo", "--to", archive],
      ["restore", archive, "--dry-run"],
      ["restore", archive], // asks, and there is nobody
      ["restore", archive, "echo", "--yes"],
      ["prune", "logs", "--yes"],
      ["prune", "--dry-run"],
      ["pull", "hollama"],
      ["build", "hollama"],
      ["update", "echo"],
      ["update", "--check", "echo"],
      ["uninstall", "--dry-run"],
      ["exec", "echo", "true"],
    ]) {
      await box.run(words);
    }
    expect((await lines()).slice(1)).toEqual([
      `backup echo --to ${archive} 0`,
      `restore ${archive} echo --yes 0`,
      "prune logs --yes 0",
      "pull hollama 3",
      "build hollama 1",
      "update echo 0",
    ]);
    rmSync(archive);
  });

  test("D12: verbs that only read, dry runs and slips leave no trace", async () => {
    const words = [
      ["ps"],
      ["ls"],
      ["info", "echo"],
      ["plan", "echo"],
      ["up", "-x", "echo", "--dry-run"],
      ["up", "--no-such-option"],
      ["up", "ecko"],
      ["config", "ls"],
      ["config", "get", "echo.level"],
      ["config", "set", "echo.levle", "hunter2-misspelt"],
      ["supervisor", "status"],
      ["history"],
      ["size"],
      ["find", "x"],
      ["stats"],
      ["env", "echo"],
    ];
    for (const line of words) await box.run(line);
    expect(existsSync(join(box.home, "history.jsonl"))).toBe(false);
  });

  test("D12: no secret gets into it, however it was given; it is for its owner's eyes alone", async () => {
    const secret = "hunter2-Tr0ub4dor";
    const given = [
      ["config", "set", "hf_token", secret],
      ["config", "set", "echo.anything", secret, "--force"],
      ["config", "set", "echo.anything", "--force", "--", `--key=${secret}`],
      ["config", "set", "echo.level", `https://me:${secret}@host/x`],
      ["config", "set", "echo.level", `see https://host/x?token=${secret}`],
      ["config", "set", secret.toLowerCase(), "x"],
      ["env", "echo", "set", "ECHO_PASSWORD", secret],
      ["env", "echo", "set", "ECHO_PLAIN", secret],
      ["alias", "set", "mine", "--", "harbor", "run", "echo", `--key=${secret}`],
      ["volumes", "echo", "add", `/etc:/${secret}`],
      ["up", "-x", "echo", "--workspace", join(box.root, "nowhere"), "--wait-timeout", secret],
      ["up", "hollama", "--wait-timeout", "10s"],
      ["restart", secret.toLowerCase()],
    ];
    for (const words of given) await box.run(words, { env: { HF_TOKEN: secret, HARBOR_ECHO_API_KEY: secret } });
    const stdin = Bun.spawn(
      ["sh", "-c", `printf %s "$1" | "$2" config set echo.api_key - --force`, "sh", secret, join(import.meta.dir, "../../bin/harbor")],
      {
        env: box.env,
        stdout: "ignore",
        stderr: "ignore",
      },
    );
    expect(await stdin.exited).toBe(0);
    const noted = new Set((await history()).map((it) => it.command));
    expect([...noted].sort()).toEqual(["alias set", "config set", "env set", "up"]);
    const holding = readdirSync(box.home, { recursive: true })
      .map(String)
      .filter((name) => statSync(join(box.home, name)).isFile() && readFileSync(join(box.home, name), "latin1").includes(secret));
    expect(holding.sort()).toEqual(["aliases.json", "config.env", "env/echo.env", "secrets.env"]);
    expect(statSync(join(box.home, "history.jsonl")).mode & 0o777).toBe(0o600);
  });

  test("is not kept where the user wants none, by configuration or for one call", async () => {
    expect((await box.run(["config", "set", "echo.level", "x"], { env: { HARBOR_HISTORY: "false" } })).exit).toBe(0);
    expect(await lines()).toEqual([]);
    await box.run(["config", "set", "history", "false"]);
    await box.run(["config", "set", "echo.level", "y"]);
    expect(await lines()).toEqual([]);
  });

  test("that cannot be written is no failure of what was done", async () => {
    await box.run(["config", "set", "echo.level", "x"]);
    const path = join(box.home, "history.jsonl");
    rmSync(path);
    box.write({ "home/history.jsonl/taken": "" }); // a folder in its place
    expect(await box.run(["config", "set", "echo.level", "y"])).toMatchObject({ exit: 0 });
    expect((await box.run(["config", "get", "echo.level"])).stdout).toBe("y\n");
    chmodSync(path, 0o755);
    rmSync(path, { recursive: true });
  });

  test("clear forgets it", async () => {
    await box.run(["config", "set", "echo.level", "x"]);
    expect(await box.run(["history", "clear"])).toEqual({ exit: 0, stdout: "", stderr: "harbor: 1 entry is forgotten\n" });
    expect(await box.run(["history"])).toEqual({ exit: 0, stdout: "", stderr: "harbor: there is no history yet\n" });
    const { exit, stderr } = await box.run(["history", "clean"]);
    expect({ exit, stderr }).toEqual({ exit: 2, stderr: expect.stringContaining('it knows no "clean"') });
  });
});
