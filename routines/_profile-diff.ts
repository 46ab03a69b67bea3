/** `harbor profile diff`: what a profile would change, or how two of them differ. */
import { readConfiguration, showSecretsArg, workspaceArg } from "./_configuration.ts";
import { openSource } from "./_profile-source.ts";
import { tellLeftOut } from "./_profile-use.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { describeDifference, renderChanges } from "./_show-changes.ts";
import { parseEnv } from "./config/parse-env.ts";
import { readFileOrNothing } from "./config/rewrite-env-file.ts";
import { configFile } from "./config/write-values.ts";
import { note } from "./stack/say.ts";

export const command = defineCommand({
  meta: {
    name: "diff",
    description: "Show what a profile would change in the configuration, or what differs between two",
    examples: ["harbor profile diff work", "harbor profile diff work home", "harbor profile diff https://example.com/gpu.env"],
  },
  args: {
    name: { type: "positional", description: "A profile, or the https URL of one", required: true, completes: "profile" },
    other: { type: "positional", description: "Another: what it has otherwise than the first" },
    ...showSecretsArg,
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const configuration = readConfiguration(args.workspace);
    const { home, keys } = configuration;
    const file = configFile(home);
    const now = readFileOrNothing(file);
    const withProfile = async (word: string): Promise<ReadonlyMap<string, string>> => {
      const source = await openSource(word, { ...configuration, file });
      tellLeftOut(source);
      return parseEnv(source.rewrite(now), { file });
    };
    const first = await withProfile(String(args.name));
    const [before, after] = args.other === undefined ? [parseEnv(now, { file }), first] : [first, await withProfile(String(args.other))];
    const changes = describeDifference(after, { before, keys, showsSecrets: args["show-secrets"] });
    if (changes.length === 0 && !args.json) note("no difference");
    emit(changes, { json: args.json, render: renderChanges });
  },
});
