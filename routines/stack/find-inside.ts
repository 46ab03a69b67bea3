/**
 * A handle → where its programs are: the container that runs, or its process's folder and environment on this host. What a
 * person types into a service goes there.
 */
import { HarborError } from "../_script/error.ts";
import { parseCommandArgs } from "../_script/parse-args.ts";
import { makePlan } from "../compose/make-plan.ts";
import { selectionArgs } from "../compose/selection-args.ts";
import type { Env } from "../config/read-values.ts";
import type { Engine } from "../engine/connect-engine.ts";
import type { Container } from "../engine/list-containers.ts";
import type { NativeSpec } from "../native/resolve-contract.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { currentStack } from "./current-stack.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import type { StackRecord } from "./read-stack.ts";
import { hasContract, resolveNative } from "./resolve-native.ts";
import { whatRuns } from "./what-runs.ts";

export interface FindInsideOptions {
  /** A handle, or a service of the model that is up: a companion. */
  name: string;
  env: Env;
  /** `--workspace`. */
  directory?: string | undefined;
  /** For the message: `Cannot <action> "x"`. */
  action: string;
}

export type Inside = InsideNative | InsideContainer;

export interface InsideNative {
  runtime: "native";
  spec: NativeSpec;
}

export interface InsideContainer {
  runtime: "container";
  home: string;
  project: string;
  engine: Engine;
  container: Container;
}

/** Throws `unknown` for what is no service, or is to run in a container and does not; `missing` where no engine answers. */
export async function findInside(options: FindInsideOptions): Promise<Inside> {
  const { name, env, directory } = options;
  checkHandle(name);
  const { home, project, record } = currentStack(env);
  const { workspace } = findStackWorkspace({ home, record, directory });
  const isNative = whatRuns(record)?.natives.includes(name) ?? false;
  if (!isNative && record?.hasContainers === true && isPlanned(name, record)) {
    return findContainer(options, { home, project });
  }
  checkService(name, workspace, record);
  if (!isNative && !(await isNativeByPlan(name, env, workspace, record))) throw notUp(options, hasContract(name, workspace));
  return { runtime: "native", spec: await resolveNative({ handle: name, env, workspace, record }) };
}

function isPlanned(name: string, { services, planned }: StackRecord): boolean {
  return services.includes(name) || planned.some(({ containers }) => containers.includes(name));
}

function checkService(name: string, workspace: Workspace, record: StackRecord | undefined): void {
  const handles = listHandles(workspace);
  if (!handles.includes(name)) throwUnknown(name, [...handles, ...(record?.planned ?? []).flatMap(({ containers }) => containers)]);
}

async function isNativeByPlan(handle: string, env: Env, workspace: Workspace, record: StackRecord | undefined): Promise<boolean> {
  if (!hasContract(handle, workspace)) return false;
  const { args } = parseCommandArgs([handle, "--no-defaults"], selectionArgs, "harbor up");
  const { plan } = await makePlan({ args, env, workspace, running: whatRuns(record) });
  return plan.natives.some((native) => native.handle === handle);
}

async function findContainer(options: FindInsideOptions, { home, project }: { home: string; project: string }): Promise<InsideContainer> {
  const { connectEngine } = await import("../engine/connect-engine.ts");
  const { listContainers } = await import("../engine/list-containers.ts");
  const { name, env } = options;
  const engine = await connectEngine({ env, home });
  const all = (await listContainers({ engine, project, details: false })).filter(({ runtime }) => runtime === "container");
  const own = all.filter(({ handle, service }) => handle === name || service === name);
  const running = own.filter(({ state }) => state === "running");
  const container = running.find(({ service }) => service === name) ?? running[0];
  if (container !== undefined) return { runtime: "container", home, project, engine, container };
  const [stopped] = own;
  if (stopped === undefined) throw notUp(options, false);
  throw new HarborError(`Cannot ${options.action} "${name}": its container "${stopped.name}" does not run (${stopped.status})`, {
    hint: `Start it: harbor restart ${stopped.handle}`,
  });
}

function notUp({ name, action }: FindInsideOptions, canBeNative: boolean): HarborError {
  return new HarborError(`Cannot ${action} "${name}": it is not up`, {
    exit: "unknown",
    hint: `Start it: harbor up ${name}${canBeNative ? `; its program on this host needs no start: harbor run ${name}` : ""}`,
  });
}
