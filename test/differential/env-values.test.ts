/**
 * Values of any content, written by Harbor and read back by others: Harbor itself, bash and dash by `source`, docker compose from the
 * env file and from the merged file. Random, from a seed: `DIFFERENTIAL_SEED=7 HARBOR_TEST_VALUES=5000 bun test test/differential/env-values`.
 */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatCompose } from "../../routines/compose/format-compose.ts";
import { escapeDollars } from "../../routines/compose/interpolate.ts";
import { formatComposeValue, formatEnvValue, parseEnv } from "../../routines/config/parse-env.ts";
import { applyChanges } from "../../routines/config/rewrite-env-file.ts";
import { resultOf } from "../_process.ts";
import { makeFolder } from "../_workspace.ts";
import { findOracle } from "./_oracle.ts";
import { Random } from "./_random.ts";

const SEED = Number(process.env.DIFFERENTIAL_SEED ?? 1);
const COUNT = Number(process.env.HARBOR_TEST_VALUES ?? 300);
const plugin = findOracle();
const note = plugin === undefined ? " (skipped: no docker-compose plugin)" : "";

/** What somebody's reader takes for more than itself. */
const PIECES = [
  ..."'\"`$\\|&;#!~*?=,:%^@()[]{}<> \t\n\r-+/.",
  ...[
    "$$",
    "${HOME}",
    "${X:-y}",
    "$(id)",
    "`id`",
    "$HOME",
    "\\n",
    "\\r",
    "\\t",
    "\\\\",
    "\\'",
    '\\"',
    "\\$",
    "\\0",
    "\\x41",
    "\r\n",
    "\n\n",
  ],
  ...[" #", "# ", " = ", "export A=1", "\nB=2\n", "EOF", "a", "Z9", "_", "word"],
  ...["é", "☂", "🚢", "e\u0301", "\u2028", "\u0085", "\ufeff", "\u00a0", "\u0001", "\u001b[31m", "\u007f"],
];

/** Those that have broken somebody's before. */
const KNOWN = [
  ...[
    "",
    " ",
    "'",
    '"',
    "`",
    "$",
    "\\",
    "|",
    "&",
    "A & B",
    "a|b",
    "s/a/b/g",
    'say "hi"',
    "C:\\temp\\",
    "\\\\",
    "it's",
    "it's \\",
    "' \\\\",
  ],
  ...["#", " #x", "x #y", "a\nb", "\n", "a\r\nb", "\r", "${HARBOR_DATA}", "$$5", "a=b,c=d", "-n", "--", "~", "*", "true", "null", "0777"],
];

function makeValues(): string[] {
  const random = new Random(SEED);
  const values = [...KNOWN];
  while (values.length < COUNT) values.push(Array.from({ length: 1 + random.below(12) }, () => random.pick(PIECES)).join(""));
  return values;
}

const values = makeValues();
const names = values.map((_, index) => `V${index}`);
const byName = Object.fromEntries(names.map((name, index) => [name, values[index] as string]));

/** The file as commands write it, one value after the other, each changed once more. */
function writeFile(): { path: string; text: string } {
  const changes = new Map(Object.entries(byName));
  const first = applyChanges("# mine\n", new Map(names.map((name) => [name, "old 'value'"])), "config.env");
  const text = applyChanges(first, changes, "config.env");
  const path = join(makeFolder(), "config.env");
  writeFileSync(path, text);
  return { path, text };
}

/** Of these names, what differs; a few are enough to see why. */
function differences(read: Record<string, string | undefined>, of: readonly string[] = names): unknown[] {
  return of
    .filter((name) => read[name] !== byName[name])
    .slice(0, 5)
    .map((name) => ({ wrote: byName[name], read: read[name] }));
}

async function readByCompose(compose: string, envFile: string): Promise<Record<string, string>> {
  const folder = makeFolder();
  writeFileSync(join(folder, "compose.yml"), compose);
  const argv = [plugin as string, "-f", join(folder, "compose.yml"), "--env-file", envFile, "config", "--format", "json"];
  const { exit, stdout, stderr } = await resultOf(
    Bun.spawn(argv, { cwd: folder, env: { PATH: "/usr/bin:/bin" }, stdout: "pipe", stderr: "pipe" }),
  );
  if (exit !== 0) throw new Error(stderr);
  const { environment } = (JSON.parse(stdout) as { services: { a: { environment: Record<string, string> } } }).services.a;
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, value.replaceAll("$$", "$")]));
}

const BY_NAME = formatCompose({
  services: { a: { image: "x", environment: Object.fromEntries(names.map((name) => [name, `\${${name}}`])) } },
});

describe(`values of any content (seed ${SEED}, ${values.length} of them)`, () => {
  test("are read back by Harbor, whichever line they replace (D3, D4)", () => {
    const { text } = writeFile();
    expect(text).toStartWith("# mine\n");
    expect(differences(Object.fromEntries(parseEnv(text, { file: "config.env" })))).toEqual([]);
  });

  const shells = ["bash", "dash", "sh"].filter((shell) => Bun.which(shell) !== null);
  test.each(shells)("are read back by `source` in %s (D3, D4)", async (shell) => {
    const { path } = writeFile();
    const script = `. "$0"; printf '%s\\0' ${names.map((name) => `"$${name}"`).join(" ")}`;
    const { exit, stdout, stderr } = await resultOf(Bun.spawn([shell, "-c", script, path], { env: {}, stdout: "pipe", stderr: "pipe" }));
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    const read = stdout.split("\0");
    expect(differences(Object.fromEntries(names.map((name, index) => [name, read[index]])))).toEqual([]);
  });

  test.skipIf(plugin === undefined)(`are read back by docker compose from the file of values that it is given (D4)${note}`, async () => {
    const path = join(makeFolder(), "values.env");
    writeFileSync(
      path,
      Object.entries(byName)
        .map(([name, value]) => `${name}=${formatComposeValue(value)}\n`)
        .join(""),
    );
    expect(differences(await readByCompose(BY_NAME, path))).toEqual([]);
    // Harbor compares that file with the environment
    expect(differences(Object.fromEntries(parseEnv(await Bun.file(path).text(), { file: path })))).toEqual([]);
  });

  test.skipIf(plugin === undefined)(`are read back by docker compose from the merged file (D4)${note}`, async () => {
    const path = join(makeFolder(), "none.env");
    writeFileSync(path, "");
    const environment = Object.fromEntries(Object.entries(byName).map(([name, value]) => [name, escapeDollars(value)]));
    expect(differences(await readByCompose(formatCompose({ services: { a: { image: "x", environment } } }), path))).toEqual([]);
  });

  test.skipIf(plugin === undefined)(`are read back by docker compose from config.env itself, but for ' and \` in one${note}`, async () => {
    const fit = names.filter((name) => !(formatEnvValue(byName[name] ?? "").startsWith('"') && byName[name]?.includes("`")));
    expect(fit.length).toBeGreaterThan(names.length / 2);
    const path = join(makeFolder(), "config.env");
    writeFileSync(path, fit.map((name) => `${name}=${formatEnvValue(byName[name] ?? "")}\n`).join(""));
    expect(differences(await readByCompose(BY_NAME, path), fit)).toEqual([]);
  });
});
