/** Archives of our own making: headers that hold whatever a file system does, read back as they were. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { concat, decodeHeader, decodeRecords, encodeHeader, type TarEntry } from "../../../routines/backup/_tar-format.ts";
import type { Collected } from "../../../routines/backup/collect-backup.ts";
import { formatSum, parseSums } from "../../../routines/backup/manifest.ts";
import { writeBackup } from "../../../routines/backup/write-backup.ts";
import { makeFolder } from "../../_workspace.ts";

const plain: TarEntry = { path: "data/a", type: "file", mode: 0o640, uid: 1000, gid: 100, size: 5, mtime: 1_700_000_000, target: "" };

/** As the reader does: the extended header first, where there is one. */
function decode(bytes: Uint8Array): unknown {
  const first = decodeHeader(bytes.subarray(0, 512), new Map());
  if (first?.kind !== "extended") return first?.kind === "entry" ? first.entry : first;
  const records = decodeRecords(bytes.subarray(512, 512 + first.size));
  const rest = bytes.subarray(512 + Math.ceil(first.size / 512) * 512);
  const second = decodeHeader(rest, records);
  return second?.kind === "entry" ? second.entry : second;
}

describe("a header", () => {
  test.each<[string, Partial<TarEntry>]>([
    ["a plain file", {}],
    ["a name of 100 bytes", { path: "x".repeat(100) }],
    ["a name of 101 bytes", { path: "x".repeat(101) }],
    ["a long name of which the record's own length takes another digit", { path: "y".repeat(989) }],
    ["letters of other alphabets", { path: "data/Übersicht ☃ 🎉" }],
    ["a newline and a backslash", { path: "data/a\nb\\c" }],
    ["a name that ends with a space", { path: "data/a " }],
    ["a folder", { type: "folder", size: 0 }],
    ["a folder of a long name", { type: "folder", size: 0, path: "z".repeat(300) }],
    ["a link", { type: "link", size: 0, target: "../b" }],
    ["a link to a long name", { type: "link", size: 0, target: `/${"t".repeat(200)}` }],
    ["more than eleven octal digits hold", { size: 2 ** 40 + 1 }],
    ["nothing", { size: 0 }],
  ])("of %s is read back as it was", (_, more) => {
    const entry = { ...plain, ...more };
    const bytes = encodeHeader(entry);
    expect(bytes.length % 512).toBe(0);
    expect(decode(bytes)).toEqual(entry);
  });

  test("of which any one byte is wrong is none", () => {
    const bytes = encodeHeader(plain);
    for (let at = 0; at < 345; at++) {
      // spaces and zeros around the checksum's own digits mean nothing
      if (at >= 148 && at < 156) continue;
      const other = bytes.with(at, (bytes[at] ?? 0) ^ 1);
      expect([at, decodeHeader(other, new Map())]).toEqual([at, undefined]);
    }
  });
});

test("names in the list of checksums are escaped as sha256sum does it", () => {
  const names = ["data/plain", "data/a b", "data/a\nb", "data/back\\slash", "data/\\n", "data/ leading"];
  const digests = names.map((name) => new Bun.CryptoHasher("sha256").update(name).digest("hex"));
  const text = names.map((name, index) => formatSum(digests[index] ?? "", name)).join("");
  expect([...parseSums(text)]).toEqual(names.map((name, index) => [name, digests[index] ?? ""]));
});

test("parts of bytes are put together in order", () => {
  expect(concat([new Uint8Array([1]), new Uint8Array(), new Uint8Array([2, 3])])).toEqual(new Uint8Array([1, 2, 3]));
});

describe("an archive", () => {
  const none = { text: "", names: [] };
  const folders = { home: [], profiles: [], env: [], services: [], data: [] };
  const nothing: Collected = { config: none, secrets: none, inKeychain: [], ...folders, warnings: [] };
  const signal = new AbortController().signal;

  test.skipIf(process.platform !== "linux")("is not made of a file that holds more than it said when its header was written", async () => {
    const file = join(makeFolder(), "backup.tar");
    // the kernel says of these that they are empty
    const collected = { ...nothing, data: [{ name: "webui", handle: "webui", path: "/proc/version" }] };
    await expect(writeBackup({ collected, home: "/nowhere", file, signal })).rejects.toThrow(
      '"/proc/version": it changed while it was read',
    );
    expect(await Bun.file(file).exists()).toBe(false);
  });

  test("takes no place that is taken", async () => {
    const file = join(makeFolder(), "backup.tar");
    writeFileSync(file, "mine");
    await expect(writeBackup({ collected: nothing, home: "/nowhere", file, signal })).rejects.toThrow("it is there already");
    expect(await Bun.file(file).text()).toBe("mine");
  });
});
