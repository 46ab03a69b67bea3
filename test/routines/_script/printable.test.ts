import { expect, spyOn, test } from "bun:test";
import * as streams from "../../../routines/_script/emit.ts";
import { HarborError } from "../../../routines/_script/error.ts";
import { log } from "../../../routines/_script/log.ts";
import { printable, printableLines } from "../../../routines/_script/printable.ts";
import { reportError } from "../../../routines/_script/script.ts";
import { table } from "../../../routines/_script/table.ts";

test.each([
  ["a colour", "\x1b[31mred", "\ufffd[31mred"],
  ["the same in one character", "\u009b31mred", "\ufffd31mred"],
  ["a title of the window", "\x1b]0;x\x07", "\ufffd]0;x\ufffd"],
  ["an overwritten line", "safe\rrm", "safe\ufffdrm"],
  ["text in another order", "exe.\u202etxt", "exe.\ufffdtxt"],
  ["a second line", "a\nb", "a\ufffdb"],
])("%s of somebody else's is no command for the terminal", (_, text, shown) => {
  expect(printable(text)).toBe(shown);
  expect(table([[text, "x"]])).toEqual([`${shown}  x`]);
});

test("letters of every alphabet, joined ones as well, are as they were", () => {
  const text = "Übersicht ☃ 👩‍💻 नमस्ते עברית";
  expect([printable(text), printableLines(text)]).toEqual([text, text]);
});

test("several lines stay lines, without the colours of whoever said them", () => {
  expect(printableLines("\x1b[31mfailed\x1b[0m:\n\twhy\r\n")).toBe("failed:\n\twhy\n");
});

test("what is said, and what an error says, is printed so", () => {
  const written: string[] = [];
  const write = spyOn(streams, "writeAll").mockImplementation((_, text) => void written.push(text));
  log().warn("left out: \u009b31m");
  reportError(new HarborError('Cannot read "\u001b]0;x\u0007"', { details: ["a\u202eb"] }));
  write.mockRestore();
  process.exitCode = 0;
  expect(written).toEqual(["harbor: warning: left out: \n", 'harbor: Cannot read ""\n  a\ufffdb\n']);
});
