import { expect, test } from "bun:test";
import { MASK } from "../../../routines/_script/secret-name.ts";
import type { Launch } from "../../../routines/launch/make-launch.ts";
import { renderScript, withoutKey } from "../../../routines/launch/render-launch.ts";
import { resultOf } from "../../_process.ts";
import { makeFolder } from "../../_workspace.ts";

const launch = (more: Partial<Launch> = {}): Launch => ({ tool: "t", program: "sh", args: [], env: {}, unset: [], files: {}, ...more });

test("a shell reads every word, variable and file back as it was", async () => {
  const odd = 'it\'s "$HOME" `x` \\n\n*\té%s%%';
  const folder = makeFolder();
  const script = renderScript(
    launch({
      args: ["-c", 'printf "%s|" "$@" "$ODD" "${GONE-none}"; cat "$FILE"', "sh", odd, "", "-n"],
      env: { ODD: odd, FILE: `${folder}/a b/f` },
      unset: ["GONE"],
      files: { [`${folder}/a b/f`]: odd },
    }),
    ["a comment"],
  );
  const env = { PATH: process.env.PATH ?? "", GONE: "here" };
  expect(await resultOf(Bun.spawn(["sh", "-c", script], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" }))).toEqual({
    exit: 0,
    stdout: `${[odd, "", "-n", odd, "none"].join("|")}|${odd}`,
    stderr: "",
  });
});

test("the key is hidden wherever it stands, in JSON too", () => {
  const key = 'a"b\\c';
  const shown = withoutKey(launch({ args: [key], env: { K: key, URL: `http://x:${key}@h` }, files: { f: JSON.stringify({ key }) } }), key);
  expect([shown.args, shown.env, shown.files]).toEqual([[MASK], { K: MASK, URL: `http://x:${MASK}@h` }, { f: `{"key":"${MASK}"}` }]);
  expect(withoutKey(launch({ env: { K: "harbor" } }), "")).toEqual(launch({ env: { K: "harbor" } }));
});
