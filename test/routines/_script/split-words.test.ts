import { expect, test } from "bun:test";
import { splitWords } from "../../../routines/_script/split-words.ts";

test.each([
  String.raw`sh -c "echo \"\$1\" \`x\` \\ \n" 'a "b" \$c' d\ e \$f "" g"h"'i'`,
  `code --wait  --user-data-dir "/some folder/a b"`,
])("splits %s as a shell does", (line) => {
  const { stdout } = Bun.spawnSync(["sh", "-c", `printf '%s\\0' ${line}`]);
  expect(splitWords(line)).toEqual(stdout.toString().split("\0").slice(0, -1));
});

test("a quote that is never closed gives nothing", () => {
  expect(splitWords(`a "b`)).toBeUndefined();
  expect(splitWords("a 'b")).toBeUndefined();
});
