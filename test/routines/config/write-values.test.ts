import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "../../../routines/config/parse-env.ts";
import { writeValues } from "../../../routines/config/write-values.ts";
import { makeFolder, makeTree } from "../../_workspace.ts";

const routine = join(import.meta.dir, "../../../routines/config/write-values.ts");

/** What the file says after it said this. */
async function change(text: string, changes: Record<string, string | undefined>): Promise<string> {
  const home = makeTree({ "config.env": text });
  await writeValues({ home, changes: new Map(Object.entries(changes)) });
  return readFileSync(join(home, "config.env"), "utf8");
}

describe("writeValues", () => {
  const cases: [string, string, Record<string, string | undefined>, string][] = [
    ["adds a line at the end", "# mine\nA=1\n", { B: "2" }, "# mine\nA=1\nB=2\n"],
    ["adds one behind a file without a last line end", "A=1", { B: "2" }, "A=1\nB=2\n"],
    ["changes a line where it stands", "A=1\nB=2\n\n# end\n", { A: "x y" }, "A='x y'\nB=2\n\n# end\n"],
    ["keeps export and the comment behind", "export A = 1 # why\n", { A: "2" }, "export A = 2 # why\n"],
    ["keeps the comment behind a quoted value", "A='1' # why\n", { A: "2" }, "A=2 # why\n"],
    ["changes a value of several lines", 'A="1\n2"\nB=3\n', { A: "4" }, "A=4\nB=3\n"],
    ["changes the last of two, which counts", "A=1\nA=2\n", { A: "3" }, "A=1\nA=3\n"],
    ["takes out every line of a key", "A=1\nB=2\nA='x\ny'\n#A=4\n", { A: undefined }, "B=2\n#A=4\n"],
    ["takes out what is not there", "B=2\n", { A: undefined }, "B=2\n"],
    ["leaves Windows' line ends of other lines", "A=1\r\nB=2\r\n", { B: "3" }, "A=1\r\nB=3\n"],
    ["does several at once", "A=1\n", { A: "2", B: "3", C: undefined }, "A=2\nB=3\n"],
  ];
  test.each(cases)("%s", async (_, before, changes, after) => {
    expect(await change(before, changes)).toBe(after);
  });

  test("makes the file for its owner alone, and leaves nothing beside it", async () => {
    const home = join(makeFolder(), "new");
    expect(await writeValues({ home, changes: new Map([["A", "1"]]) })).toEqual({ file: join(home, "config.env"), changed: ["A"] });
    expect(statSync(join(home, "config.env")).mode & 0o777).toBe(0o600);
    expect(readdirSync(home)).toEqual(["config.env"]);
  });

  test("does not touch the file where nothing changes, nor make one", async () => {
    const home = makeTree({ "config.env": "A=1\n" });
    const before = statSync(join(home, "config.env")).mtimeMs;
    expect((await writeValues({ home, changes: new Map([["A", "1"]]) })).changed).toEqual([]);
    expect(statSync(join(home, "config.env")).mtimeMs).toBe(before);
    const other = makeFolder();
    await writeValues({ home: other, changes: new Map([["A", undefined]]) });
    expect(existsSync(join(other, "config.env"))).toBe(false);
  });

  test("writes through a link", async () => {
    const home = makeFolder();
    const elsewhere = makeTree({ "dotfiles/harbor.env": "A=1\n" });
    symlinkSync(join(elsewhere, "dotfiles/harbor.env"), join(home, "config.env"));
    await writeValues({ home, changes: new Map([["A", "2"]]) });
    expect(lstatSync(join(home, "config.env")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(elsewhere, "dotfiles/harbor.env"), "utf8")).toBe("A=2\n");
  });

  test.each(["A B", "1A", "A-B", "A=B", ""])("refuses the key %j", async (name) => {
    const failed: unknown = await writeValues({ home: makeFolder(), changes: new Map([[name, "1"]]) }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ exit: "usage" });
  });

  test("leaves a file alone that it cannot read, and names the line", async () => {
    const home = makeTree({ "config.env": "A=1\nnot a line\n" });
    const failed: unknown = await writeValues({ home, changes: new Map([["A", "2"]]) }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ at: { file: join(home, "config.env"), line: 2 } });
    expect(readFileSync(join(home, "config.env"), "utf8")).toBe("A=1\nnot a line\n");
  });

  test("loses nothing of many commands at once", async () => {
    const home = makeFolder();
    writeFileSync(join(home, "config.env"), "# kept\n");
    const names = Array.from({ length: 30 }, (_, index) => `HARBOR_K${index}`);
    const env = { PATH: process.env.PATH ?? "", HARBOR_HOME: home };
    const commands = names.map((name) =>
      Bun.spawn([process.execPath, routine, `${name}=v ${name}`], { env, stdout: "ignore", stderr: "inherit" }),
    );
    expect(await Promise.all(commands.map((it) => it.exited))).toEqual(names.map(() => 0));
    const values = parseEnv(readFileSync(join(home, "config.env"), "utf8"), { file: "config.env" });
    expect(Object.fromEntries(values)).toEqual(Object.fromEntries(names.map((name) => [name, `v ${name}`])));
    expect(readFileSync(join(home, "config.env"), "utf8")).toStartWith("# kept\n");
  });
});
