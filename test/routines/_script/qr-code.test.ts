import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeQrCode, type QrCode, renderQrCode } from "../../../routines/_script/qr-code.ts";
import { makeFolder } from "../../_workspace.ts";

const picture = (code: QrCode): string[] => code.map((row) => row.map((isDark) => (isDark ? "#" : ".")).join(""));

/** A PGM of eight dots a module, with the light margin. */
function imageOf(code: QrCode): string {
  const size = (code.length + 8) * 8;
  const dots: string[] = [];
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) dots.push(code[Math.floor(y / 8) - 4]?.[Math.floor(x / 8) - 4] === true ? "0" : "255");
  return `P2\n${size} ${size}\n255\n${dots.join("\n")}\n`;
}

describe("encodeQrCode()", () => {
  test("has the three finders, the timing between them and the dark module", () => {
    const code = encodeQrCode("http://192.168.1.5:33801");
    const rows = picture(code);
    expect(rows).toHaveLength(25);
    const finder = ["#######.", "#.....#.", "#.###.#.", "#.###.#.", "#.###.#.", "#.....#.", "#######.", "........"];
    expect(rows.slice(0, 8).map((row) => row.slice(0, 8))).toEqual(finder);
    expect(rows.slice(0, 8).map((row) => [...row.slice(-8)].reverse().join(""))).toEqual(finder);
    expect(
      rows
        .slice(-8)
        .reverse()
        .map((row) => row.slice(0, 8)),
    ).toEqual(finder);
    expect(rows[6]?.slice(8, -8)).toBe("#.#.#.#.#");
    expect(rows[17]?.[8]).toBe("#");
  });

  test.each([
    [1, 21],
    [14, 21],
    [15, 25],
    [62, 33],
    [106, 41],
    [107, 45],
    [122, 45],
    [152, 49],
    [180, 53],
  ])("%d bytes make %d rows", (length, size) => {
    expect(encodeQrCode("x".repeat(length))).toHaveLength(size);
  });

  test("says what does not fit", () => {
    expect(() => encodeQrCode("x".repeat(181))).toThrow("Cannot make a QR code: 181 bytes are more than the 180 that fit");
  });

  test
    .skipIf(Bun.which("zbarimg") === null)
    .each([
      "a",
      "http://10.0.0.7:8080",
      "http://192.168.178.114:33801/?q=a+b%20c&d#x",
      ...[20, 41, 60, 83, 100, 121, 150, 180].map((length) => `http://host/${"Aa9-".repeat(45)}`.slice(0, length)),
    ])("a reader reads %s (needs zbarimg)", (text) => {
    const file = join(makeFolder(), "code.pgm");
    writeFileSync(file, imageOf(encodeQrCode(text)));
    const { stdout } = Bun.spawnSync(["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file]);
    expect(stdout.toString()).toBe(`${text}\n`);
  });
});

describe("renderQrCode()", () => {
  const code = encodeQrCode("a");

  test("has two rows a line and a margin of four", () => {
    const lines = renderQrCode(code, { hasColours: false, isInverted: true });
    expect(lines).toHaveLength(15);
    expect(lines.every((line) => line.length === 29)).toBe(true);
    expect(lines[0]?.trim()).toBe("");
    expect(lines[2]).toStartWith("    █▀▀▀▀▀█ ");
  });

  test("is light where nothing says what black and white are, and says it where it may", () => {
    expect(renderQrCode(code, { hasColours: false })[2]).toStartWith("████ ▄▄▄▄▄ █");
    expect(renderQrCode(code, { hasColours: true })[2]).toStartWith("\x1b[30;107m    █▀▀▀▀▀█ ");
  });
});
