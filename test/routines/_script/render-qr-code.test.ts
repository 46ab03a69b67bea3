import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderQrCode } from "../../../routines/_script/render-qr-code.ts";
import { makeFolder } from "../../_workspace.ts";

/** What a camera would see of the lines: a PGM of eight dots a module, dark where there is ink. */
function pictureOf(lines: readonly string[]): string {
  const rows = lines.flatMap((line) => [[..."▀█"], [..."▄█"]].map((inks) => [...line].map((block) => inks.includes(block))));
  const dots = rows.flatMap((row) => Array(8).fill(row.flatMap((isDark) => Array(8).fill(isDark ? "0" : "255")).join("\n")));
  return `P2\n${(rows[0]?.length ?? 0) * 8} ${rows.length * 8}\n255\n${dots.join("\n")}\n`;
}

test
  .skipIf(Bun.which("zbarimg") === null)
  .each([
    "a",
    "http://10.0.0.7:8080",
    "http://192.168.178.114:33801/?q=a+b%20c&d#x",
    "http://[fd00::1]:8080/",
    `http://host/${"Aa9-".repeat(50)}`,
  ])("a reader reads %s (needs zbarimg, of zbar-tools)", (text) => {
  const file = join(makeFolder(), "code.pgm");
  writeFileSync(file, pictureOf(renderQrCode(text, { hasColours: false, isInverted: true })));
  const { stdout } = Bun.spawnSync(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file]);
  expect(stdout.toString()).toBe(`${text}\n`);
});

test("has two rows a line and a margin of four", () => {
  const lines = renderQrCode("a", { hasColours: false, isInverted: true });
  expect(lines).toHaveLength(15);
  expect(lines.every((line) => line.length === 29)).toBe(true);
  expect(lines[0]?.trim()).toBe("");
  expect(lines[2]).toStartWith("    █▀▀▀▀▀█ ");
});

test("is light where nothing says what black and white are, and says it where it may", () => {
  expect(renderQrCode("a", { hasColours: false })[2]).toStartWith("████ ▄▄▄▄▄ █");
  expect(renderQrCode("a", { hasColours: true })[2]).toStartWith("\x1b[30;107m    █▀▀▀▀▀█ ");
});
