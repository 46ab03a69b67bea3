/** `harbor secrets rotate`: new credentials in place of those that Harbor made for a service, and what has to be started anew for them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Configuration, readConfiguration, requireHandle, warnOfEnvironment, workspaceArg } from "./_configuration.ts";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { type MadePlan, makePlan } from "./compose/make-plan.ts";
import type { SelectionArgs } from "./compose/selection-args.ts";
import { type GeneratedKey, generatedKeys } from "./config/generated-keys.ts";
import { isSecretKey } from "./config/list-keys.ts";
import { randomSecret } from "./config/make-credentials.ts";
import { handleOf } from "./config/name-variable.ts";
import { writeSettings } from "./config/write-settings.ts";
import { note, warn } from "./stack/say.ts";
import { whatRuns } from "./stack/what-runs.ts";
import { listFiles } from "./workspace/list-files.ts";
import { listHandles } from "./workspace/list-handles.ts";

interface Kept {
  key: string;
  why: string;
}

const keyOf = ({ name, source }: GeneratedKey): string => source?.key ?? name;

/** Those of one service's own files. Throws where there are none. */
function credentialsOf(handle: string, { keys, values, workspace }: Configuration): GeneratedKey[] {
  const files = listFiles({ workspace, handles: [handle], capabilities: new Set() }).filter((file) => file.handle === handle);
  const found = generatedKeys(files, values);
  if (found.length > 0) return found;
  const handles = listHandles(workspace);
  const others = [...keys.values()].filter(({ name }) => isSecretKey(name, keys) && handleOf(name, handles) === handle);
  const hint =
    others.length === 0
      ? "It asks for none"
      : `Those that it takes are yours to give: ${others.map(({ key }) => `harbor secrets set ${key}`).join(", ")}`;
  throw new HarborError(`Cannot rotate the credentials of "${handle}": Harbor makes none for it`, { hint });
}

/** What may not be looked into, a container has written. */
function hasContent(folder: string): boolean {
  try {
    return readdirSync(folder).length > 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT";
  }
}

/** Why one stays as it is, if it does. */
function whyKept({ name, isTakenOnce }: GeneratedKey, handle: string, { values }: Configuration): string | undefined {
  if (values.find(name)?.value === "") return "it is set to nothing, so that none is asked for";
  const data = join(values.get("HARBOR_DATA") ?? "", handle);
  const hasStarted = isTakenOnce && hasContent(data);
  return hasStarted
    ? `${handle} took it at its first start and keeps it in its own database (${data}); change it there, then tell Harbor: harbor secrets set`
    : undefined;
}

/** What is up, and nothing else. */
const ALL_THAT_IS_UP: SelectionArgs = {
  names: [],
  exclude: [],
  container: [],
  native: false,
  capability: [],
  "no-defaults": true,
  workspace: undefined,
};

/** Of what is up those whose files name one of the variables. */
async function findUsers(names: readonly string[], { record, workspace }: Configuration): Promise<string[]> {
  const running = whatRuns(record);
  if (running === undefined || running.services.length === 0) return [];
  const made = await makePlan({ args: ALL_THAT_IS_UP, env: process.env, workspace, running, sealed: true });
  const pattern = new RegExp(`\\b(?:${names.join("|")})\\b`);
  return made.plan.services
    .filter(({ handle }) => filesOf(handle, made).some((path) => pattern.test(readFileSync(path, "utf8"))))
    .map((it) => it.handle);
}

function filesOf(handle: string, { plan, merged, selection }: MadePlan): string[] {
  const containers = plan.services.find((it) => it.handle === handle)?.containers ?? [];
  const contract = selection.contracts.get(handle)?.path;
  return [...[handle, ...containers].flatMap((name) => merged.sources.get(name) ?? []), ...(contract === undefined ? [] : [contract])];
}

async function startAnew(home: string, directory: string | undefined, isQuiet: boolean): Promise<void> {
  const { bringUp } = await import("./stack/bring-up.ts");
  const { createProgress } = await import("./stack/progress.ts");
  using interrupt = listenForInterrupt();
  const how = { build: false, pull: false, keep: false, timeoutMs: undefined, purpose: "harbor secrets rotate" };
  const args = { ...ALL_THAT_IS_UP, workspace: directory };
  await bringUp({ args, home, env: process.env, signal: interrupt.signal, progress: createProgress(isQuiet), ...how });
}

export const command = defineCommand({
  meta: {
    name: "rotate",
    description: "Make new credentials for a service in place of those that Harbor made",
    examples: ["harbor secrets rotate litellm", "harbor secrets rotate litellm --restart   And start anew what uses them"],
  },
  changes: "tried",
  args: {
    handle: { type: "positional", description: "Service handle", required: true },
    restart: { type: "boolean", description: "Start those of what is up anew that use them" },
    ...workspaceArg,
    ...jsonArg,
  },
  async run({ args }) {
    const configuration = readConfiguration(args.workspace);
    const { home, keys, workspace } = configuration;
    const handle = String(args.handle);
    requireHandle(handle, workspace);
    const all = credentialsOf(handle, configuration).map((it) => ({ it, why: whyKept(it, handle, configuration) }));
    const kept = all.flatMap(({ it, why }): Kept[] => (why === undefined ? [] : [{ key: keyOf(it), why }]));
    const rotated = all.flatMap(({ it, why }) => (why === undefined ? [it] : []));
    const names = rotated.map(({ name }) => name);
    const changes = new Map(rotated.map(({ name, generate }) => [name, randomSecret(generate)]));
    if (names.length > 0) await writeSettings({ home, changes, isSecret: (name) => names.includes(name) || isSecretKey(name, keys) });
    const users = names.length === 0 ? [] : await findUsers(names, configuration);
    if (!args.json) {
      if (rotated.length > 0) note(`new: ${rotated.map(keyOf).join(", ")} (\`harbor info ${handle} --show-secrets\` shows them)`);
      warn(kept.map(({ key, why }) => `${key} stays as it is: ${why}`));
      for (const [name, value] of changes) warnOfEnvironment(name, value);
    }
    const restarts = args.restart && users.length > 0;
    if (restarts) await startAnew(home, args.workspace, args.json);
    if (args.json) return emit({ rotated: rotated.map(keyOf), kept, users, restarted: restarts }, { json: true, render: String });
    if (restarts) note(`started anew: ${users.join(", ")}`);
    else if (users.length > 0)
      note(
        `${users.join(", ")} ${users.length === 1 ? "uses" : "use"} the old ones until the next \`harbor up\`, or with --restart until now`,
      );
  },
});
