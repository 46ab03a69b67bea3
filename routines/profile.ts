#!/usr/bin/env bun
/**
 * `harbor profile`: the configuration under names; one of them in its place, also from a URL. What would change is shown first.
 *
 *   bun routines/profile.ts use work
 */
import { findPlace, type Place, workspaceArg } from "./_configuration.ts";
import { readFileProfile } from "./_profile-source.ts";
import { type CommandTable, defineCommand, jsonArg } from "./_script/command.ts";
import { confirm } from "./_script/confirm.ts";
import { runNamed } from "./_script/dispatch.ts";
import { emit } from "./_script/emit.ts";
import { formatPlace, HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { table } from "./_script/table.ts";
import { isSecretKey, listKeys } from "./config/list-keys.ts";
import { parseEnv } from "./config/parse-env.ts";
import { checkProfileName, findProfile, listProfiles, type Profile, profileFile } from "./config/profiles.ts";
import { applyChanges, readFileOrNothing, rewriteEnvFile } from "./config/rewrite-env-file.ts";
import { configFile } from "./config/write-values.ts";
import { note, warn } from "./stack/say.ts";

const nameArg = { name: { type: "positional", description: "Its name", required: true, completes: "profile" } } as const;
const yesArg = { yes: { type: "boolean", alias: "y", description: "Do not ask" } } as const;

const save = defineCommand({
  meta: {
    name: "save",
    description: "Keep the configuration as it is under a name, without its secrets",
    examples: ["harbor profile save work", "harbor profile save work --yes   In place of an older one"],
  },
  changes: "done",
  args: {
    ...nameArg,
    ...yesArg,
    "with-secrets": { type: "boolean", description: "Those in config.env as well; the file is for its owner alone to read" },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const name = String(args.name);
    checkProfileName(name);
    const { home, workspace } = findPlace(args.workspace);
    const keys = listKeys({ workspace });
    const text = readFileOrNothing(configFile(home));
    const values = parseEnv(text, { file: configFile(home) });
    const leftOut = args["with-secrets"] ? [] : [...values.keys()].filter((it) => isSecretKey(it, keys));
    const kept = applyChanges(text, new Map(leftOut.map((it) => [it, undefined])), configFile(home));
    const file = profileFile(home, name);
    const before = readFileOrNothing(file);
    const isOther = before !== "" && before !== kept;
    if (isOther && !args.yes && !confirm(`Replace the profile "${name}"?`, "Say --yes to replace it unasked")) {
      throw new HarborError("Nothing was saved: the answer was no");
    }
    await rewriteEnvFile(file, () => (kept === "" ? "# Nothing but defaults.\n" : kept));
    const count = values.size - leftOut.length;
    if (args.json) return emit({ name, file, values: count, leftOut }, { json: true, render: String });
    note(`${name} has ${count} ${count === 1 ? "value" : "values"} (${file})`);
    if (leftOut.length > 0) note(`left out, for they are secrets: ${leftOut.join(", ")} (--with-secrets has them)`);
  },
});

interface ProfileRow {
  name: string;
  /** What would be set with it; null where its file cannot be read. */
  values: number | null;
  /** Whether the configuration is as it says, but for secrets. */
  current: boolean;
  /** `user`, `workspace` or `harbor`. */
  from: string;
  file: string | null;
}

/** One that cannot be read hides no other. */
function readOrWarn(profile: Profile, place: Place): Map<string, string> | undefined {
  try {
    return readFileProfile(profile, place);
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    warn([error.at === undefined ? error.message : `${formatPlace(error.at)}: ${error.message}`]);
    return undefined;
  }
}

const ls = defineCommand({
  meta: {
    name: "ls",
    description: "Show the profiles there are; * is as things are",
    examples: ["harbor profile", "harbor profile ls --json"],
  },
  args: { ...workspaceArg, ...jsonArg },
  run({ args }) {
    const place = findPlace(args.workspace);
    const keys = listKeys({ workspace: place.workspace });
    const plain = (values: ReadonlyMap<string, string>): string =>
      JSON.stringify([...values].filter(([name]) => !isSecretKey(name, keys)).sort());
    const now = plain(parseEnv(readFileOrNothing(configFile(place.home)), { file: configFile(place.home) }));
    const rows = listProfiles(place.workspace).map((profile): ProfileRow => {
      const values = readOrWarn(profile, place);
      return { ...profile, values: values?.size ?? null, current: values !== undefined && plain(values) === now };
    });
    emit(rows, {
      json: args.json,
      render: (them) =>
        table([
          ["", "NAME", "VALUES", "FROM", "FILE"],
          ...them.map((it) => [it.current ? "*" : "", it.name, String(it.values ?? "?"), it.from, it.file ?? "-"]),
        ]).join("\n"),
    });
  },
});

const rm = defineCommand({
  meta: {
    name: "rm",
    description: "Take a profile away; the configuration stays",
    examples: ["harbor profile rm work", "harbor profile rm work --yes"],
  },
  changes: "done",
  args: { ...nameArg, ...yesArg, ...workspaceArg, ...jsonArg },
  async run({ args }) {
    const { workspace } = findPlace(args.workspace);
    const { name, file, from } = findProfile(String(args.name), workspace);
    if (file === null || from !== "user") {
      throw new HarborError(
        `Cannot take profile "${name}" away: ${from === "harbor" ? "it is built in" : `it is the workspace's (${file})`}`,
      );
    }
    if (!args.yes && !confirm(`Take the profile "${name}" away (${file})?`, "Say --yes to do so unasked")) {
      throw new HarborError("Nothing was taken away: the answer was no");
    }
    const { rmSync } = await import("node:fs");
    rmSync(file, { force: true });
    if (args.json) return emit({ name, file }, { json: true, render: String });
    note(`${name} is gone (${file})`);
  },
});

const commands: CommandTable = {
  ls: async () => ({ command: ls }),
  save: async () => ({ command: save }),
  use: () => import("./_profile-use.ts"),
  diff: () => import("./_profile-diff.ts"),
  rm: async () => ({ command: rm }),
};

export const command = defineCommand({
  meta: {
    name: "profile",
    description: "Keep configurations under names, and use one; also one from a URL",
    examples: [
      "harbor profile save work",
      "harbor profile use default",
      "harbor profile diff work",
      "harbor profile use https://example.com/gpu.env",
    ],
  },
  args: {},
  passThrough: true,
  commands,
  run: ({ rest }) => runNamed(commands, rest.length === 0 || rest[0]?.startsWith("-") ? ["ls", ...rest] : rest, "harbor profile"),
});

if (import.meta.main) await runScript(command);
