import { expect, test } from "bun:test";
import { readFileSync, rmSync, statSync } from "node:fs";
import { authorityFiles, homeAuthority } from "../../../routines/reach/home-authority.ts";
import { makeFolder } from "../../_workspace.ts";

test("is made once, its key for its owner alone; of several at once all have the same", async () => {
  const home = makeFolder();
  const all = await Promise.all([homeAuthority(home), homeAuthority(home), homeAuthority(home)]);
  expect(new Set(all.map(({ certificate }) => certificate)).size).toBe(1);
  expect(await homeAuthority(home)).toEqual(all[0] as (typeof all)[number]);
  const files = authorityFiles(home);
  expect(readFileSync(files.certificate, "utf8")).toBe(all[0]?.certificate ?? "");
  expect(statSync(files.key).mode & 0o777).toBe(0o600);
});

test("one half of it is none: it is not made anew behind the back of who trusts it", async () => {
  const home = makeFolder();
  await homeAuthority(home);
  rmSync(authorityFiles(home).key);
  await homeAuthority(home).then(
    () => expect.unreachable(),
    (error: Error) => expect(error.message).toContain("Cannot use the authority"),
  );
});
