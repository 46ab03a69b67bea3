/**
 * What holds of the configuration whoever changes it, and whatever becomes of them. Bounded here:
 * `HARBOR_TEST_WRITERS=200 HARBOR_TEST_KILLS=200 bun test --timeout 300000 test/cli/config-rules.test.ts` for all of it.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "../../routines/config/parse-env.ts";
import { resultOf } from "../_process.ts";
import { Random } from "../differential/_random.ts";
import { killAtRandom } from "./_kill.ts";
import { Sandbox } from "./_sandbox.ts";

const WRITERS = Number(process.env.HARBOR_TEST_WRITERS ?? 200);
const KILLS = Number(process.env.HARBOR_TEST_KILLS ?? 25);
const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);

let box: Sandbox;

beforeEach(async () => {
  box = await Sandbox.create();
});

afterEach(() => box.remove());

const file = (): string => join(box.home, "config.env");
const values = (): Record<string, string> => Object.fromEntries(parseEnv(readFileSync(file(), "utf8"), { file: file() }));
/** Beside the user's own and the history; a lock that is held by nobody counts for nothing. */
const left = (): string[] => readdirSync(box.home).filter((name) => !["config.env", "state", "history.jsonl"].includes(name));

test(`D5: of ${WRITERS} \`config set\` of distinct keys at once, ${WRITERS} are there, and every other line`, async () => {
  writeFileSync(file(), "# mine\nHARBOR_HF_TOKEN='a b' # kept\n");
  const keys = Array.from({ length: WRITERS }, (_, index) => `HARBOR_TEST_KEY_${index}`);
  const commands = keys.map((key) => resultOf(box.start(["config", "set", key, `value | & "${key}"`, "--force"])));
  const ends = await Promise.all(commands);
  expect(ends.filter(({ exit }) => exit !== 0)).toEqual([]);
  const expected = Object.fromEntries(keys.map((key) => [key, `value | & "${key}"`]));
  expect(values()).toEqual({ HARBOR_HF_TOKEN: "a b", ...expected });
  expect(readFileSync(file(), "utf8")).toStartWith("# mine\nHARBOR_HF_TOKEN='a b' # kept\n");
  expect(left()).toEqual([]);
}, 240_000);

test("D5: of many `defaults add`, `volumes add`, `env set` and `alias set` at once, all are there", async () => {
  mkdirSync(join(box.root, "x"));
  const handles = ["ollama", "webui", "litellm", "redis", "searxng", "hollama"];
  const lines = [
    ...handles.map((handle) => ["defaults", "add", handle]),
    ...handles.map((_, index) => ["volumes", "webui", "add", `${box.root}/x:/mnt/${index}`]),
    ...handles.map((_, index) => ["env", "webui", "set", `V${index}`, "1"]),
    ...handles.map((_, index) => ["alias", "set", `a${index}`, "echo hi"]),
  ];
  const ends = await Promise.all(lines.map((words) => box.run(words)));
  expect(ends.filter(({ exit }) => exit !== 0)).toEqual([]);
  const items = async (...words: string[]) => (await box.json<{ item: string }[]>(words)).map(({ item }) => item).sort();
  expect(await items("defaults")).toEqual(handles.toSorted());
  expect((await items("volumes", "webui")).length).toBe(handles.length);
  expect((await box.json<unknown[]>(["alias"])).length).toBe(handles.length);
  expect(readFileSync(join(box.home, "env/webui.env"), "utf8").trim().split("\n").length).toBe(handles.length);
}, 60_000);

test(
  `\`config set\` killed at ${KILLS} random moments: the file is whole, and old or new`,
  async () => {
    const random = new Random(SEED);
    const long = "x".repeat(200_000); // so that writing takes a while
    const before = `# mine\nHARBOR_HF_TOKEN='${long}'\nHARBOR_PROJECT=old\n`;
    writeFileSync(file(), before);
    let usualMs = Number.POSITIVE_INFINITY;
    for (const value of ["a", "b", "c"]) {
      const from = performance.now();
      expect((await box.run(["config", "set", "project", value])).exit).toBe(0);
      usualMs = Math.min(usualMs, performance.now() - from);
    }
    const seen = { old: 0, new: 0 };
    let held = readFileSync(file(), "utf8");
    for (let round = 0; seen.old + seen.new < KILLS && round < KILLS * 5; round++) {
      const wanted = held.replace(/HARBOR_PROJECT=.*\n/, `HARBOR_PROJECT=p${round}\n`);
      const child = box.start(["config", "set", "project", `p${round}`]);
      await killAtRandom({ child, random, usualMs, lock: `${file()}.lock` });
      const now = readFileSync(file(), "utf8");
      expect(now === held || now === wanted).toBe(true);
      // one that was done before it could be killed tells nothing
      if (child.signalCode === "SIGKILL") seen[now === wanted ? "new" : "old"]++;
      held = now;
    }
    expect(seen.old + seen.new).toBe(KILLS);
    // the next one gets through, and nothing of the dead stays
    expect((await box.run(["config", "set", "project", "last"])).exit).toBe(0);
    expect(values()).toEqual({ HARBOR_HF_TOKEN: long, HARBOR_PROJECT: "last" });
    expect(left()).toEqual([]);
    if (KILLS >= 200) process.stderr.write(`killed ${KILLS}: old ${seen.old}, new ${seen.new}\n`);
  },
  30_000 + KILLS * 2_000,
);

test("what a command that was killed while it wrote has left beside the file is gone after the next", async () => {
  const dead = Bun.spawnSync(["true"]).pid;
  for (const name of [`config.env.${dead}.tmp`, `config.env.lock.${dead}.0a1b2c3d.tmp`]) writeFileSync(join(box.home, name), "half");
  writeFileSync(join(box.home, `config.env.${process.pid}.tmp`), "somebody's who lives");
  await box.run(["config", "set", "project", "x"]);
  expect(left()).toEqual([`config.env.${process.pid}.tmp`]);
  expect(existsSync(file())).toBe(true);
});
