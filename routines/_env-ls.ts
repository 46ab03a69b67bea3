/** `harbor env <handle>`: the variables that a service gets, natively or in a container, and where each comes from. */
import { type ArgValues, defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { table } from "./_script/table.ts";
import { explainEnvironment, type ServiceEnvironment } from "./compose/explain-environment.ts";
import { makePlan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { findHome } from "./config/find-home.ts";
import { secretTest } from "./config/read-declarations.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { readStack } from "./stack/read-stack.ts";
import { note, warn } from "./stack/say.ts";
import { whatRuns } from "./stack/what-runs.ts";

/** One table; a service of several containers has one for each. */
function render(services: readonly ServiceEnvironment[]): string {
  const blocks = services.map(({ service, runtime, variables }) => {
    const rows = variables.map((it) => [it.name, it.origin, JSON.stringify(it.value).slice(1, -1)]);
    const lines = rows.length === 0 ? [] : table([["NAME", "FROM", "VALUE"], ...rows]);
    return [...(services.length > 1 ? [`${service} (${runtime})`] : []), ...lines].join("\n");
  });
  return blocks.join("\n\n");
}

const { names: _, ...selection } = selectionArgs;

/** What a service gets, as things are: beside what runs, on what it is asked to run on. */
export async function readEnvironment(
  args: ReadEnvironmentArgs,
  { sealed = !args["show-secrets"] }: { sealed?: boolean } = {},
): Promise<ServiceEnvironment[]> {
  const env = process.env;
  const home = findHome(env);
  const handle = String(args.handle);
  const record = readStack(home);
  const { workspace } = findStackWorkspace({ home, record, directory: args.workspace });
  const made = await makePlan({ args: { ...args, names: [handle] }, env, workspace, running: whatRuns(record), sealed });
  warn(made.selection.warnings);
  const isSecret = secretTest(made.selection.files);
  return explainEnvironment({ made, handle, environment: env, showsSecrets: args["show-secrets"], isSecret });
}

export const environmentArgs = {
  ...selection,
  "show-secrets": { type: "boolean", description: "Show the values of keys, tokens and passwords" },
} as const;

type ReadEnvironmentArgs = ArgValues<typeof environmentArgs> & { handle: string | undefined };

export const command = defineCommand({
  meta: {
    name: "ls",
    description: "Show the variables that a service gets, and where each comes from",
    examples: [
      "harbor env ollama",
      "harbor env ollama -x ollama            What it would get natively",
      "harbor env webui -x ollama --json      What it gets beside a native Ollama",
    ],
  },
  args: {
    handle: { type: "positional", description: "Service handle", required: true },
    ...environmentArgs,
    ...jsonArg,
  },
  async run({ args }) {
    const services = await readEnvironment(args);
    if (services.every(({ variables }) => variables.length === 0) && !args.json) note(`${args.handle} gets no variables`);
    emit(services, { json: args.json, render });
  },
});
