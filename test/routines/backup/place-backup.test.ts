/** Where a backup's folders take their places: all of them, or none. */
import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Placement, placeBackup } from "../../../routines/backup/place-backup.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A home with data of two services, and what is to take its place. */
function makeHome(): { home: string; placements: Placement[] } {
  const home = mkdtempSync(join(tmpdir(), "harbor-place-"));
  folders.push(home);
  const placements = ["a", "b", "new"].map((name): Placement => {
    const [from, to] = [join(home, ".staging", name), join(home, "data", name)];
    mkdirSync(from, { recursive: true });
    writeFileSync(join(from, "file"), `saved ${name}`);
    const replaces = name !== "new";
    if (replaces) mkdirSync(to, { recursive: true });
    if (replaces) writeFileSync(join(to, "file"), `present ${name}`);
    return { name: `data/${name}`, from, to, replaces };
  });
  return { home, placements };
}

const key = (value: string): Map<string, string> => new Map([["HARBOR_A_KEY", value]]);
const contentOf = (home: string): Record<string, string> =>
  Object.fromEntries(readdirSync(join(home, "data")).map((name) => [name, readFileSync(join(home, "data", name, "file"), "utf8")]));

test("all of them are in place, and nothing is left of what was there", async () => {
  const { home, placements } = makeHome();
  expect(await placeBackup({ placements, home, config: new Map([["HARBOR_A", "1"]]), secrets: key("new") })).toEqual([]);
  expect(contentOf(home)).toEqual({ a: "saved a", b: "saved b", new: "saved new" });
  expect(readFileSync(join(home, "config.env"), "utf8")).toBe("HARBOR_A=1\n");
  expect(readFileSync(join(home, "secrets.env"), "utf8")).toBe("HARBOR_A_KEY=new\n");
});

test("where one cannot take its place, all is as it was", async () => {
  const { home, placements } = makeHome();
  rmSync(join(home, ".staging/new"), { recursive: true });
  await expect(placeBackup({ placements, home, config: "HARBOR_A=1\n", secrets: key("new") })).rejects.toThrow("Cannot restore: ");
  expect(contentOf(home)).toEqual({ a: "present a", b: "present b" });
  expect([existsSync(join(home, "config.env")), existsSync(join(home, "secrets.env"))]).toEqual([false, false]);
});

test.each([
  ["one that was there", "HARBOR_A_KEY=present\nHARBOR_B_KEY=b\n"],
  ["one that was not", "HARBOR_B_KEY=b\n"],
])("where the configuration cannot be written, data and secrets are as they were: %s", async (_, text) => {
  const { home, placements } = makeHome();
  writeFileSync(join(home, "secrets.env"), text);
  mkdirSync(join(home, "config.env/taken"), { recursive: true });
  await expect(placeBackup({ placements, home, config: "HARBOR_A=1\n", secrets: key("new") })).rejects.toThrow("config.env");
  expect(contentOf(home)).toEqual({ a: "present a", b: "present b" });
  expect(readFileSync(join(home, "secrets.env"), "utf8")).toBe(text);
});

test("where the secrets cannot be written, the data is as it was, and no configuration is", async () => {
  const { home, placements } = makeHome();
  writeFileSync(join(home, "secrets.keychain"), "HARBOR_A_KEY\n"); // and there is no such keychain
  await expect(placeBackup({ placements, home, config: "HARBOR_A=1\n", secrets: key("new") })).rejects.toThrow("keychain");
  expect(contentOf(home)).toEqual({ a: "present a", b: "present b" });
  expect(existsSync(join(home, "config.env"))).toBe(false);
});
