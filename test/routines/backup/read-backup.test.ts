/** Archives that somebody made to harm whoever restores them: each is refused, and nothing outside of the staging folders is touched. */
import { describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { archiveEnd, concat, encodeHeader, padding, type TarEntry } from "../../../routines/backup/_tar-format.ts";
import { formatSum, MANIFEST, SUMS } from "../../../routines/backup/manifest.ts";
import { type ReadBackup, readBackup } from "../../../routines/backup/read-backup.ts";
import { makeFolder } from "../../_workspace.ts";

type Part = Partial<TarEntry> & Pick<TarEntry, "path" | "type">;

const manifest = {
  ...{ format: 1, createdAt: "2026-01-01T00:00:00Z", harbor: "0.0.0", owners: {} },
  ...{ config: [], home: ["aliases.json"], env: ["webui"], services: ["mine"], data: ["webui"] },
};

/** Whole, with a list of checksums that is right. */
function makeArchive(parts: readonly Part[]): string {
  const chunks: Uint8Array[] = [];
  let sums = "";
  const add = (part: Part, text = ""): void => {
    const body = new TextEncoder().encode(text);
    const entry = { mode: 0o644, uid: 0, gid: 0, mtime: 1, target: "", ...part, size: part.size ?? body.length };
    chunks.push(encodeHeader(entry), body, padding(body.length));
    if (part.type === "file" && part.path !== SUMS) sums += formatSum(new Bun.CryptoHasher("sha256").update(body).digest("hex"), part.path);
  };
  add({ path: MANIFEST, type: "file" }, JSON.stringify(manifest));
  for (const part of parts) add(part, part.type === "file" && part.size === undefined ? "text" : "");
  add({ path: SUMS, type: "file" }, sums);
  const file = join(makeFolder(), "backup.tar");
  writeFileSync(file, concat([...chunks, archiveEnd()]));
  return file;
}

function restore(parts: readonly Part[], folder = makeFolder(), isWanted = (): boolean => true): Promise<ReadBackup> {
  const staging = { home: join(folder, "home"), data: join(folder, "data"), isWanted };
  return readBackup({ file: makeArchive(parts), staging, signal: new AbortController().signal });
}

describe("an archive", () => {
  test("with a folder in place of a link gives the folder that the link leads to no other mode", async () => {
    const outside = makeFolder();
    chmodSync(outside, 0o700);
    const read = restore([
      { path: "data/webui", type: "folder" },
      { path: "data/webui/a", type: "link", target: outside },
      { path: "data/webui/a", type: "folder", mode: 0o777 },
    ]);
    await expect(read).rejects.toThrow('"data/webui/a" is in it twice');
    expect(statSync(outside).mode & 0o777).toBe(0o700);
  });

  test.each(["data/webui", "services/mine", "env/webui.env", "home/aliases.json"])("with a link in place of %s is none", async (path) => {
    const read = restore([{ path, type: "link", target: "/etc" }]);
    await expect(read).rejects.toThrow(`"${path}" is a link`);
  });

  test("has its links made once all its files are there: on a file system that takes two names for one, nothing is written through them", async () => {
    const folder = makeFolder();
    const link = join(folder, "data/webui/A");
    const wasThere: boolean[] = [];
    const isWanted = (): boolean => {
      wasThere.push(lstatSync(link, { throwIfNoEntry: false }) !== undefined);
      return true;
    };
    const parts: Part[] = [
      { path: "data/webui", type: "folder", mode: 0o500 },
      { path: "data/webui/A", type: "link", target: "b" },
      { path: "data/webui/b", type: "folder" },
      { path: "data/webui/b/file", type: "file" },
    ];
    await restore(parts, folder, isWanted);
    expect(wasThere).toEqual([false, false, false, false]);
    expect(readlinkSync(link)).toBe("b");
    expect(statSync(join(folder, "data/webui")).mode & 0o777).toBe(0o500);
  });

  test("that cannot be written out is no bug of Harbor's", async () => {
    const folder = makeFolder();
    mkdirSync(join(folder, "data/webui/a"), { recursive: true }); // as where another name is the same there
    await expect(restore([{ path: "data/webui/a", type: "link", target: "b" }], folder)).rejects.toThrow("Cannot restore: EEXIST");
  });

  test("of which a text is said to be too large for the memory is not read into it", async () => {
    const read = restore([{ path: "config.env", type: "file", size: 2 ** 31 }]);
    await expect(read).rejects.toThrow('"config.env" is larger than any that Harbor writes');
  });
});
