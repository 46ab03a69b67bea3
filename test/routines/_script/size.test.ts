import { describe, expect, test } from "bun:test";
import { formatSize, parseSize } from "../../../routines/_script/size.ts";

describe("parseSize", () => {
  const right: [string, number][] = [
    ["0", 0],
    ["512", 512],
    ["512B", 512],
    ["10MB", 10_000_000],
    ["10m", 10_000_000],
    ["10 MB", 10_000_000],
    ["1.5GB", 1_500_000_000],
    ["64KiB", 65_536],
    ["1gi", 2 ** 30],
    ["2tb", 2e12],
  ];
  test.each(right)("reads %s", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["", "MB", "-1", "1e6", "10 M B", "10MBs", "1,5MB", ".5k", "10%"])("refuses %p", (text) => {
    expect(parseSize(text)).toBeUndefined();
  });
});

describe("formatSize", () => {
  const right: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [999_949, "999.9 kB"],
    [999_950, "1.0 MB"],
    [486_200_000, "486.2 MB"],
    [999_950_000, "1.00 GB"],
    [1_624_000_000, "1.62 GB"],
  ];
  test.each(right)("writes %d", (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});
