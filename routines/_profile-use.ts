/** `harbor profile use`: a profile in place of the configuration; shown first, asked for, and all of it at once. */
import { readConfiguration, showSecretsArg, warnOfEnvironment, workspaceArg } from "./_configuration.ts";
import { openSource, type Source } from "./_profile-source.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { askArgs, askForChanges, countValues, describeDifference } from "./_show-changes.ts";
import { parseEnv } from "./config/parse-env.ts";
import { readFileOrNothing, rewriteEnvFile } from "./config/rewrite-env-file.ts";
import { configFile } from "./config/write-values.ts";
import { note, warn } from "./stack/say.ts";

/** Each key that was left out, by reason. */
export function tellLeftOut({ leftOut }: Source): void {
  const reasons = [...new Set(leftOut.map(({ reason }) => reason))];
  warn(reasons.map((reason) => `Left out: ${leftOut.flatMap((it) => (it.reason === reason ? it.key : [])).join(", ")}: ${reason}`));
}

export const command = defineCommand({
  meta: {
    name: "use",
    description: "Put a profile in place of the configuration; what would change is shown and asked for first",
    examples: [
      "harbor profile use work",
      "harbor profile use default                          Nothing but defaults",
      "harbor profile use https://example.com/gpu.env      Values alone, and not all of them",
      "harbor profile use work --dry-run",
    ],
  },
  changes: "done",
  args: {
    name: { type: "positional", description: "A profile, or the https URL of one", required: true, completes: "profile" },
    ...askArgs,
    ...showSecretsArg,
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const configuration = readConfiguration(args.workspace);
    const { home, keys, record } = configuration;
    const file = configFile(home);
    const source = await openSource(String(args.name), { ...configuration, file });
    const seen = readFileOrNothing(file);
    const after = parseEnv(source.rewrite(seen), { file });
    const changes = describeDifference(after, { before: parseEnv(seen, { file }), keys, showsSecrets: args["show-secrets"] });
    if (!args.json) tellLeftOut(source);
    const goesOn = askForChanges(changes, {
      args,
      question: `Change ${countValues(changes.length)} in ${file}?`,
      hint: "Say --yes to change them unasked, --dry-run only to see them",
    });
    if (goesOn) await rewriteEnvFile(file, (current) => rewriteSeen(current, seen, source));
    if (args.json) return emit({ file, changes, leftOut: source.leftOut, written: goesOn }, { json: true, render: String });
    if (!goesOn) return note(`not changed, for --dry-run: ${countValues(changes.length)} in ${file}`);
    note(
      changes.length === 0 ? `nothing to change: ${file} is so already` : `${source.name} it is: ${countValues(changes.length)} in ${file}`,
    );
    for (const { name } of changes) warnOfEnvironment(name, after.get(name));
    if (changes.length > 0 && (record?.services.length ?? 0) > 0) note("what is up stays as it is; the next `harbor up` applies it");
  },
});

/** What was asked for, and nothing else. */
function rewriteSeen(current: string, seen: string, { rewrite }: Source): string {
  if (current === seen) return rewrite(current);
  throw new HarborError("Cannot change the configuration: it was changed by another command meanwhile", {
    hint: "Do it again to see what would change now",
  });
}
