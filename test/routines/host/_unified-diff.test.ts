import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { unifiedDiff } from "../../../routines/host/_unified-diff.ts";
import { makeTree } from "../../_workspace.ts";
import { Random } from "../../differential/_random.ts";

const TOOLS = {
  git: ["git", "apply", "--whitespace=nowarn", "-"],
  patch: ["patch", "-p1", "--binary", "--silent", "--fuzz=0"],
} as const;

/** What a real program makes of the file by the diff. */
function apply(tool: keyof typeof TOOLS, { file, before, diff }: { file: string; before: string; diff: string }): string {
  const folder = makeTree({ [file]: before });
  const { success, stderr } = Bun.spawnSync([...TOOLS[tool]], {
    cwd: folder,
    stdin: Buffer.from(diff),
    env: { PATH: process.env.PATH ?? "" },
  });
  if (!success) throw new Error(`${tool}: ${stderr}\n${diff}`);
  return readFileSync(join(folder, file), "utf8");
}

function randomText(random: Random): string {
  const end = random.pick(["\n", "\n", "\r\n"]);
  const lines = Array.from({ length: random.below(30) }, () => random.pick(["a", "b", "", "c = 1", "größer", "-", "+ x", "\\ No newline"]));
  return `${lines.join(end)}${lines.length === 0 || random.chance(0.3) ? "" : end}`;
}

function change(random: Random, text: string): string {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  for (let count = random.below(5); count > 0; count--) {
    const added = random.some(["new\n", "a\n", "b\r\n"]).slice(0, random.below(3));
    lines.splice(random.below(lines.length + 1), random.below(3), ...added);
  }
  const whole = lines.map((line, index) => (index < lines.length - 1 && !line.endsWith("\n") ? `${line}\n` : line)).join("");
  return random.chance(0.2) ? whole.replace(/\n$/, "") : whole;
}

describe("unifiedDiff", () => {
  test("of the same texts is empty", () => expect(unifiedDiff("a", "x\n", "x\n")).toBe(""));

  test("is short: what is far from a change is not shown, what is near is in one piece", () => {
    const lines = Array.from({ length: 30 }, (_, index) => `${index}\n`);
    const changed = lines.with(2, "two\n").with(8, "eight\n").with(25, "last\n");
    const diff = unifiedDiff("/x/a b.toml", lines.join(""), changed.join(""));
    expect(diff).toStartWith("--- a/x/a b.toml\t\n+++ b/x/a b.toml\t\n@@ -1,12 +1,12 @@\n 0\n 1\n-2\n+two\n 3\n");
    expect(diff).toContain("@@ -23,7 +23,7 @@\n 22\n 23\n 24\n-25\n+last\n 26\n 27\n 28\n");
    expect(diff.split("\n")).toHaveLength(27);
  });

  test("says where the last line has no end", () => {
    expect(unifiedDiff("f", "a", "a\n")).toBe("--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n");
  });

  test("finds what differs in a long file at once", () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`);
    const before = performance.now();
    expect(unifiedDiff("f", lines.join(""), lines.with(19_000, "x\n").join("")).split("\n")).toHaveLength(12);
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  const here = (Object.keys(TOOLS) as (keyof typeof TOOLS)[]).filter((tool) => Bun.which(tool) !== null);

  test.each(here)("is what %s applies, for any two texts", (tool) => {
    const random = new Random(20_260);
    for (let count = 0; count < 60; count++) {
      const before = randomText(random);
      const after = change(random, before);
      const diff = unifiedDiff("pyproject.toml", before, after);
      // neither program takes a diff that makes a file empty, or of an empty one, for anything but its removal
      if (before === after || before === "" || after === "") continue;
      expect(apply(tool, { file: "pyproject.toml", before, diff })).toBe(after);
    }
  });
});
