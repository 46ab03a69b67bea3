import { expect, test } from "bun:test";
import { parseCommandArgs } from "../../../routines/_script/parse-args.ts";
import { selectionArgs } from "../../../routines/compose/selection-args.ts";
import { selectionWords } from "../../../routines/compose/selection-words.ts";

test.each([
  [[], []],
  [
    ["webui", "-x", "ollama", "nvidia"],
    ["--exclude=ollama", "webui", "nvidia"],
  ],
  [
    ["-n", "*", "--capability", "a,b", "--no-defaults", "--workspace", "/my files"],
    ["--native", "--capability=a", "--capability=b", "--no-defaults", "--workspace=/my files", "*"],
  ],
])("%j is asked for again by %j", (typed, words) => {
  const { args } = parseCommandArgs(typed, selectionArgs, "harbor up");
  expect(selectionWords(args)).toEqual(words);
  expect(parseCommandArgs(words, selectionArgs, "harbor up").args).toEqual(args);
});
