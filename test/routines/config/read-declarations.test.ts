/** What a folder may say of a key, beyond its type: that it is a secret which Harbor makes, and who may set it. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomSecret } from "../../../routines/config/make-credentials.ts";
import { type Declaration, readDeclarations } from "../../../routines/config/read-declarations.ts";

const folder = mkdtempSync(join(tmpdir(), "harbor-declarations-"));
afterAll(() => rmSync(folder, { recursive: true }));

function read(fields: string): { declared: Declaration | undefined; wrong: string | undefined } {
  const path = join(folder, "compose.echo.yml");
  writeFileSync(path, `x-harbor:\n  settings:\n    echo.key: ${fields}\n`);
  const { found, wrong } = readDeclarations([{ kind: "definition", path }]);
  return { declared: found.get("HARBOR_ECHO_KEY"), wrong: wrong.get("HARBOR_ECHO_KEY")?.message };
}

describe("generate", () => {
  test.each([
    ["{ secret: true, generate: true }", { length: 32, prefix: "", needs: undefined }],
    ["{ secret: true, generate: { length: 48, prefix: sk- } }", { length: 48, prefix: "sk-", needs: undefined }],
    ["{ secret: true, generate: { needs: echo.email } }", { length: 32, prefix: "", needs: "HARBOR_ECHO_EMAIL" }],
    ["{ secret: true, generate: false }", undefined],
    ["{ secret: true }", undefined],
  ])("%s", (fields, expected) => {
    expect(read(fields)).toMatchObject({ wrong: undefined, declared: { isSecret: true, generate: expected } });
  });

  test.each([
    ["{ generate: true }", "what is generated has to be a secret"],
    ["{ secret: true, generate: 32 }", "generate has to be true, or a map"],
    ["{ secret: true, generate: { length: 8 } }", "its length has to be a whole number from 20 to 256"],
    ["{ secret: true, generate: { length: many } }", "its length has to be a whole number from 20 to 256"],
    ["{ secret: true, generate: { lenght: 32 } }", 'there is no field "lenght" of generate'],
    ["{ secret: true, generate: { prefix: 'a b' } }", "its prefix has to be letters, digits"],
    ["{ secret: 'yes' }", "secret has to be true or false"],
    ["{ once: 'yes' }", "once has to be true or false"],
    ["{ portable: 'yes' }", "portable has to be true or false"],
  ])("%s is wrong", (fields, message) => {
    expect(read(fields).wrong).toContain(message);
  });
});

test.each([
  ["{ type: integer }", true],
  ["{ type: port }", true],
  ["{ type: boolean }", true],
  ["{ choices: [a, b] }", true],
  ["{ description: Any text }", false],
  ["{ type: url }", false],
  ["{ type: path }", false],
  ["{ portable: true }", true],
  ["{ type: boolean, portable: false }", false],
  ["{ secret: true, portable: true }", false],
])("a profile from elsewhere may set %s: %j", (fields, expected) => {
  expect(read(fields).declared?.isPortable).toBe(expected);
});

describe("a credential", () => {
  test("is of letters and digits, each as likely as any other, and never the same", () => {
    const texts = Array.from({ length: 2_000 }, () => randomSecret({ length: 31, prefix: "" }));
    expect(new Set(texts).size).toBe(texts.length);
    const counts = new Map<string, number>();
    for (const character of texts.join("")) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect([...counts.keys()].sort().join("")).toBe("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    // 1000 of each on average, with a deviation of 32
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(250);
  });

  test("has its prefix, and the length beside it", () => {
    expect(randomSecret({ length: 40, prefix: "sk-" })).toMatch(/^sk-[A-Za-z0-9]{40}$/);
  });
});
