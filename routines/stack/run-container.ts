/**
 * A container of its own for one command of a service, beside those that run: compose's `run --rm` on the selection's files. It
 * starts nothing else, and leaves nothing behind: neither itself, whatever ends us, nor a network that was made for it.
 */
import { parseCommandArgs } from "../_script/parse-args.ts";
import { type MadePlan, makePlan } from "../compose/make-plan.ts";
import { selectionArgs } from "../compose/selection-args.ts";
import type { Env } from "../config/read-values.ts";
import { connectEngine, type Engine } from "../engine/connect-engine.ts";
import { findCompose } from "../engine/find-compose.ts";
import { listContainers } from "../engine/list-containers.ts";
import { removeContainers } from "../engine/remove-containers.ts";
import { removeOneOff } from "../engine/remove-one-off.ts";
import { attachCompose } from "../engine/run-compose.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { makeDataFolders } from "./make-data-folders.ts";
import { withOneOffFiles } from "./one-off-files.ts";
import type { StackRecord } from "./read-stack.ts";
import { hasTerminal } from "./run-inside.ts";
import { warn } from "./say.ts";
import { whatRuns } from "./what-runs.ts";
import { removeEmpty } from "./write-stack.ts";

export interface RunContainerOptions {
  handle: string;
  /** Instead of the image's own command; its entrypoint stays. */
  words: readonly string[];
  env: Env;
  workspace: Workspace;
  record: StackRecord | undefined;
}

/** The command's exit code; compose's own where it could not be run. Throws `missing` where no engine answers. */
export async function runContainer(options: RunContainerOptions): Promise<number> {
  const { handle, words, env, workspace, record } = options;
  const { home } = workspace;
  const { args } = parseCommandArgs([`--container=${handle}`, "--no-defaults"], selectionArgs, "harbor run");
  const made = await makePlan({ args, env, workspace, running: whatRuns(record) });
  warn(made.selection.warnings);
  const { project } = made.plan;
  const compose = findCompose({ env, home });
  const engine = await connectEngine({ env, home, wanted: made.values.get("HARBOR_ENGINE_KIND") });
  const service = mainServiceOf(made, handle);
  await warnOfAbsent(made, service, engine);
  const folders = makeDataFolders(made);
  const name = `${project}-${service}-run-${crypto.randomUUID().slice(0, 8)}`;
  const run = ["run", "--rm", "--no-deps", `--name=${name}`, ...(hasTerminal() ? [] : ["--no-TTY"]), service, ...words];
  try {
    return await withOneOffFiles(made, (files) => attachCompose({ args: run, project, ...files, env, compose }));
  } finally {
    await removeOneOff({ engine, name });
    await removeContainers({ engine, project, containers: [], networks: true, volumes: true });
    for (const folder of folders.toSorted().reverse()) removeEmpty(folder);
  }
}

function mainServiceOf({ plan }: MadePlan, handle: string): string {
  const containers = plan.services.find((it) => it.handle === handle)?.containers ?? [];
  return containers.find((name) => name === handle) ?? containers[0] ?? handle;
}

/** It may do without; if not, whoever reads its error knows why. */
async function warnOfAbsent({ plan }: MadePlan, service: string, engine: Engine): Promise<void> {
  const { depends_on: needs } = (plan.compose.services as Record<string, { depends_on?: unknown }>)[service] ?? {};
  const names = Array.isArray(needs) ? needs.map(String) : Object.keys((needs ?? {}) as object);
  const containers = names.length === 0 ? [] : await listContainers({ engine, project: plan.project, details: false });
  const absent = names.filter((name) => !containers.some((it) => it.service === name && it.state === "running"));
  if (absent.length > 0) warn([`"${service}" depends on ${absent.join(", ")}, which no container here runs: \`harbor up\` starts it`]);
}
