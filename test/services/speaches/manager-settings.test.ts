/** What the manager can be told, by whom, and how it says so: by its real process, and as its page has it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { RankedSetting, SettingSpec } from "../../../routines/config/rank-settings.ts";
import { FAILURES } from "../../../services/speaches/failures.ts";
import { SETTINGS } from "../../../services/speaches/settings.ts";
import type { Result } from "../../_process.ts";
import { makeLastingFolder } from "../../_workspace.ts";
import { Manager, writeSettings } from "./_manager.ts";

let root = "";
beforeAll(() => {
  root = makeLastingFolder("harbor-speaches-settings-");
});

async function run(words: readonly string[], env: Record<string, string> = {}, cwd = root): Promise<Result> {
  return await Manager.start(words, { root: cwd, env }).result();
}

async function shown(words: readonly string[], env: Record<string, string> = {}, cwd = root): Promise<Record<string, RankedSetting>> {
  const { exit, stdout, stderr } = await run(["--print-config", "--json", ...words], env, cwd);
  expect([exit, stderr]).toEqual([0, ""]);
  return Object.fromEntries((JSON.parse(stdout) as RankedSetting[]).map((it) => [it.name, it]));
}

/** A home with this config.yml. */
function home(name: string, settings: Record<string, unknown>): { root: string; file: string } {
  const own = join(root, name);
  mkdirSync(own, { recursive: true });
  return { root: own, file: writeSettings(own, settings) };
}

describe("each rank goes before those below it", () => {
  const COMMAND_LINE = [
    "--model-ttl",
    "1",
    "--no-ui",
    "--find-links",
    "a",
    "--find-links",
    "b",
    "--start-timeout",
    "1s",
    "--device",
    "cpu",
  ];
  const ENVIRONMENT = {
    HARBOR_SPEACHES_MODEL_TTL: "2",
    HARBOR_SPEACHES_UI: "true",
    HARBOR_SPEACHES_FIND_LINKS: "c,d",
    HARBOR_SPEACHES_START_TIMEOUT: "2s",
    HARBOR_SPEACHES_DEVICE: "cuda",
  };
  const FILE = { model_ttl: 3, ui: false, find_links: ["e"], start_timeout: "3s", device: "auto" };
  const NAMES = ["model_ttl", "ui", "find_links", "start_timeout", "device"] as const;
  const VALUES: Record<RankedSetting["rank"], readonly unknown[]> = {
    "command line": [1, false, ["a", "b"], "1s", "cpu"],
    environment: [2, true, ["c", "d"], "2s", "cuda"],
    file: [3, false, ["e"], "3s", "auto"],
    default: [300, true, [], "3m", "auto"],
  };

  test.each([
    ["command line", "environment"],
    ["command line", "file"],
    ["command line", "default"],
    ["environment", "file"],
    ["environment", "default"],
    ["file", "default"],
  ] as const)("%s before %s", async (higher, lower) => {
    const has = (rank: RankedSetting["rank"]): boolean => rank === higher || rank === lower;
    const { root: own, file } = home(`${higher}-${lower}`, has("file") ? FILE : {});
    const settings = await shown(has("command line") ? COMMAND_LINE : [], has("environment") ? ENVIRONMENT : {}, own);
    expect(NAMES.map((name): unknown => settings[name]?.value)).toEqual([...VALUES[higher]]);
    expect(NAMES.map((name) => settings[name]?.rank)).toEqual(NAMES.map(() => higher));
    const places: Record<string, string> = {
      "command line": "--model-ttl",
      environment: "$HARBOR_SPEACHES_MODEL_TTL",
      file: `${file}:1`,
    };
    expect(settings.model_ttl?.place).toBe(places[higher] as string);
  });

  test("a variable that is empty counts as none, and so does a key without a value", async () => {
    const { root: own, file } = home("empty", { model_ttl: 7, device: "" });
    const { model_ttl, device } = await shown([], { HARBOR_SPEACHES_MODEL_TTL: "", HARBOR_SPEACHES_DEVICE: "" }, own);
    expect(model_ttl).toMatchObject({ value: 7, place: `${file}:1` });
    expect(device).toMatchObject({ value: "auto", rank: "default" });
  });

  test("another file is read where one is named, and that one alone", async () => {
    const { root: own } = home("named", { model_ttl: 7 });
    writeFileSync(join(own, "other.yml"), "stt-model: a/b\ndata: models\n");
    const { model_ttl, stt_model, data } = await shown(["--config", "other.yml"], {}, own);
    expect(model_ttl?.rank).toBe("default");
    expect(stt_model).toMatchObject({ value: "a/b", place: "other.yml:1" });
    expect(data?.value).toBe(join(own, "models"));
  });
});

describe("what is shown", () => {
  test("is every setting, in the order of the table, with where it came from", async () => {
    const { root: own, file } = home("shown", { compute_type: "int8" });
    const { exit, stdout, stderr } = await run(["--print-config", "--provider", "cpu"], { HARBOR_SPEACHES_VERSION: "0.9.0" }, own);
    expect([exit, stderr]).toEqual([0, ""]);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(/ {2,}/));
    expect(rows[0]).toEqual(["SETTING", "VALUE", "FROM"]);
    expect(rows.slice(1).map(([name]) => name)).toEqual(Object.keys(SETTINGS));
    expect(rows).toContainEqual(["provider", "cpu", "--provider"]);
    expect(rows).toContainEqual(["compute_type", "int8", `${file}:1`]);
    expect(rows).toContainEqual(["version", "0.9.0", "$HARBOR_SPEACHES_VERSION"]);
    expect(rows).toContainEqual(["package", "speaches==0.9.0", "default"]);
    expect(rows).toContainEqual(["port", "34331", "default"]);
    expect(rows).toContainEqual(["start_timeout", "3m", "default"]);
  });

  test("is what the file says in vain, too", async () => {
    const { root: own, file } = home("in-vain", { port: 1234 });
    const { exit, stdout } = await run(["--print-config"], { HARBOR_SPEACHES_HOST_PORT: "5678" }, own);
    expect([exit, stdout]).toEqual([0, expect.stringMatching(/^port +5678 +\$HARBOR_SPEACHES_HOST_PORT, before .*config\.yml:1$/m)]);
    expect(stdout).toContain(`, before ${file}:1\n`);
  });

  test.each(["--print-config", "--json"])("has no secret in it (%s)", async (more) => {
    const { root: own } = home("secret", { hf_token: "hf_from_the_file" });
    const env = {
      HARBOR_SPEACHES_INDEX_URL: "https://me:hunter2@index.example/simple",
      HARBOR_SPEACHES_FIND_LINKS: "https://u:pw1@x.example/",
    };
    const fromFile = await run(["--print-config", more], env, own);
    const fromVariable = await run(["--print-config", more], { ...env, HARBOR_HF_TOKEN: "hf_from_a_variable" }, own);
    for (const { exit, stdout, stderr } of [fromFile, fromVariable]) {
      expect([exit, stderr]).toEqual([0, ""]);
      expect(stdout).not.toMatch(/hf_from|hunter2|pw1/);
      expect(stdout).toContain("********");
      expect(stdout).toContain("index.example");
    }
  });

  test("is in the help, too: every option with its default and its variable", async () => {
    const { exit, stdout } = await run(["--help"]);
    expect(exit).toBe(0);
    const text = stdout.replaceAll(/\s+/g, " ");
    for (const [name, spec] of Object.entries(SETTINGS)) {
      const isOn = spec.type === "flag" && spec.default;
      expect(text).toContain(`--${isOn ? "no-" : ""}${name.replaceAll("_", "-")}`);
      expect(text).toContain(`[$${spec.env}]`);
      expect(text).toContain(spec.description);
    }
    for (const word of ["--config", "--print-config", "--prepare", "--json"]) expect(text).toContain(word);
  });
});

describe("what cannot be right ends it with 2, and says where it stands", () => {
  test.each([
    ["a number that is none", { port: "many" }, "port", "a whole number from 1 to 65535"],
    ["a number out of its range", { port: 70_000 }, "port", "a whole number from 1 to 65535"],
    ["no choice", { compute_type: "int3" }, "compute_type", "one of default, int8"],
    ["no duration", { retry: "soon" }, "retry", "a duration, such as 90s or 5m"],
    ["no flag", { offline: "perhaps" }, "offline", "true or false"],
    ["no model", { stt_model: "whisper" }, "stt_model", "a model of the Hugging Face hub, as owner/name"],
    ["two values", { python: ["3.11", "3.12"] }, "python", "one value"],
  ])("%s", async (name, settings, key, words) => {
    const { root: own, file } = home(`wrong-${name.replaceAll(" ", "-")}`, { log_level: "info", ...settings });
    const { exit, stdout, stderr } = await run(["--print-config"], {}, own);
    expect([exit, stdout]).toEqual([2, ""]);
    expect(stderr).toStartWith(`harbor: ${file}:2:`);
    expect(stderr).toContain(`Cannot take "${key}": it must be ${words}`);
  });

  test("a setting that does not exist, with the one that may be meant", async () => {
    const { root: own, file } = home("unknown", { log_level: "info", modle_ttl: 3 });
    const { exit, stderr } = await run([], {}, own);
    expect([exit, stderr]).toEqual([2, expect.stringMatching(/^harbor: .*did you mean "model_ttl"\?\n$/)]);
    expect(stderr).toContain(`${file}:2:`);
  });

  test("a file that is not there", async () => {
    const { exit, stderr } = await run(["--config", "nowhere.yml"]);
    expect([exit, stderr]).toEqual([2, expect.stringMatching(/Cannot read settings "nowhere.yml": there is no such file in \/.+/)]);
  });

  test.each([
    [["--port", "x"], {}, "--port"],
    [[], { HARBOR_SPEACHES_HOST_PORT: "x" }, "$HARBOR_SPEACHES_HOST_PORT"],
  ])("on the command line or in the environment", async (words, env, place) => {
    const { exit, stderr } = await run([...words], env as Record<string, string>);
    expect(exit).toBe(2);
    expect(stderr).toContain(`Cannot take "${place}": it must be a whole number from 1 to 65535, not "x"`);
  });

  test("a provider that there is not, before anything is installed", async () => {
    const { exit, stderr } = await run(["--provider", "cudda", "--source", "http://127.0.0.1:9/x.tar.gz"]);
    expect([exit, stderr]).toEqual([2, expect.stringContaining('there is no such provider; did you mean "cuda"?')]);
  });

  test("as JSON where that was asked for", async () => {
    const { exit, stderr } = await run(["--print-config", "--json", "--port", "0"]);
    expect(exit).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 2, message: expect.stringContaining("--port") } });
  });
});

describe("its page", () => {
  const page = readFileSync(resolve(import.meta.dir, "../../../docs/speaches.md"), "utf8");

  test("has every setting as the table has it", () => {
    const rows = Object.entries(SETTINGS).map(
      ([name, spec]) => `| \`${name}\` | \`${spec.env}\` | ${shownDefault(spec)} | ${spec.description} |`,
    );
    expect(rowsBelow("| setting | variable | default | |")).toEqual(rows);
  });

  test("has every exit code as the table has it", () => {
    const rows = Object.values(FAILURES).map(({ code, meaning }) => `| ${code} | ${meaning} |`);
    expect(rowsBelow("| code | |")).toEqual(rows);
  });

  test("has no code twice", () => {
    const codes = Object.values(FAILURES).map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  function rowsBelow(head: string): string[] {
    const lines = page.split("\n");
    const from = lines.indexOf(head) + 2;
    const to = lines.findIndex((line, index) => index >= from && !line.startsWith("|"));
    return lines.slice(from, to);
  }
});

function shownDefault(spec: SettingSpec): string {
  if (spec.type === "flag") return spec.default ? "on" : "off";
  const text = spec.type === "path" ? spec.shown : String(spec.default);
  return text === "" ? "" : `\`${text}\``;
}
