import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const emit = join(import.meta.dir, "../../../routines/_script/emit.ts");

/** Runs a few lines with emit's functions in scope, as a process of its own. */
function spawnWith(lines: string) {
  return Bun.spawn([process.execPath, "-e", `import { emit, emitText, writeAll } from ${JSON.stringify(emit)};\n${lines}`], {
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function outputOf(lines: string): Promise<string> {
  const child = spawnWith(lines);
  const text = await child.stdout.text();
  expect(await child.exited).toBe(0);
  return text;
}

describe("emitText", () => {
  test("adds the final newline where there is none, and only there", async () => {
    expect(await outputOf('emitText("a"); emitText("b\\n"); emitText(""); emitText("c\\n\\n");')).toBe("a\nb\nc\n\n");
  });
});

describe("emit", () => {
  test("prints exactly the result as JSON, or as it is rendered", async () => {
    expect(await outputOf('emit({ a: [1, "é"] }, { json: true, render: () => "no" });')).toBe('{\n  "a": [\n    1,\n    "é"\n  ]\n}\n');
    expect(await outputOf('emit({ a: 1 }, { json: false, render: (it) => "a is " + it.a });')).toBe("a is 1\n");
  });
});

describe("writeAll", () => {
  test("writes a text larger than any pipe whole", async () => {
    const text = await outputOf('writeAll(1, "é".repeat(1_500_000) + "end");');
    expect(text.length).toBe(1_500_003);
    expect(text.endsWith("éend")).toBe(true);
  });

  test("ends quietly when the reader has gone", async () => {
    const child = spawnWith('writeAll(1, "x".repeat(5_000_000)); writeAll(2, "went on");');
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    expect(await child.stderr.text()).toBe("went on");
    expect(await child.exited).toBe(0);
  });
});
