/** `harbor config export`: what your files set, for another machine or for keeping. */
import { findPlace, readFileValues, showSecretsArg, workspaceArg } from "./_configuration.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emitText } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listKeys } from "./config/list-keys.ts";
import { listSettings, type Setting } from "./config/list-settings.ts";
import { formatEnvValue } from "./config/parse-env.ts";
import { openSecrets } from "./config/read-secrets.ts";
import { maskValue } from "./config/show-settings.ts";
import { warn } from "./stack/say.ts";

const FORMATS = ["env", "json"];

function formatEnv(settings: readonly Setting[], leftOut: readonly string[]): string {
  const missing = leftOut.map((name) => `# ${name} is a secret, and left out\n`);
  return [...settings.map(({ name, value }) => `${name}=${formatEnvValue(value ?? "")}\n`), ...missing].join("");
}

export const command = defineCommand({
  meta: {
    name: "export",
    description: "Print what differs from the defaults, for `harbor config import`",
    examples: [
      "harbor config export > harbor.env",
      "harbor config export --format json",
      "harbor config export --show-secrets | ssh box harbor config import --yes -",
    ],
  },
  args: {
    format: { type: "string", description: "env or json", valueHint: "FORMAT", default: "env", completes: ["env", "json"] },
    "show-secrets": { ...showSecretsArg["show-secrets"], description: "Secrets as well, which are left out otherwise" },
    ...workspaceArg,
    json: { ...jsonArg.json, description: "The same as --format json" },
  },
  async run({ args }) {
    const format = args.json ? "json" : args.format;
    if (!FORMATS.includes(format)) {
      throw new HarborError(`Cannot export as "${format}": there is no such format`, {
        exit: "usage",
        hint: `Use one of ${FORMATS.join(", ")}`,
      });
    }
    const { home, workspace } = findPlace(args.workspace);
    if (args["show-secrets"]) await openSecrets(home);
    const keys = listKeys({ workspace });
    // what this shell alone sets is no part of the configuration
    const settings = listSettings({ keys, values: readFileValues(workspace), workspace, all: false });
    const isOut = ({ name, value }: Setting): boolean => !args["show-secrets"] && value !== null && maskValue(name, value, keys) !== value;
    const leftOut = settings.filter(isOut).map(({ name }) => name);
    const kept = settings.filter((it) => !isOut(it));
    if (leftOut.length > 0) warn([`Left out, for they are secrets: ${leftOut.join(", ")} (--show-secrets has them)`]);
    if (format === "env") return emitText(formatEnv(kept, leftOut));
    emitText(JSON.stringify(Object.fromEntries(kept.map(({ name, value }) => [name, value ?? ""])), null, 2));
  },
});
