/**
 * What is to start with the user's session: the selection that was asked for, else what runs now, else the default
 * services. It is planned here once, so that a slip is told now and not at the next boot.
 */
import { accessSync, constants } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { HarborError } from "../_script/error.ts";
import { programRoot } from "../_script/program-root.ts";
import { makePlan } from "../compose/make-plan.ts";
import type { SelectionArgs } from "../compose/selection-args.ts";
import { selectionWords } from "../compose/selection-words.ts";
import { keychainNames } from "../config/read-secrets.ts";
import type { Env } from "../config/read-values.ts";
import { readStack } from "../stack/read-stack.ts";
import { whatRuns } from "../stack/what-runs.ts";
import { findWorkspace } from "../workspace/find-workspace.ts";
import type { Entry } from "./_entry.ts";

export interface DescribeStartOptions {
  args: SelectionArgs;
  env: Env;
  home: string;
  cwd: string;
}

export interface DescribedStart {
  entry: Entry;
  warnings: string[];
}

/** Where an engine is, for those who said so in their shell. */
const ENGINE_VARIABLES = ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"];

export async function describeStart(options: DescribeStartOptions): Promise<DescribedStart> {
  const { env, home } = options;
  const launcher = findLauncher();
  const { args, cwd, capabilities = [] } = namesServices(options.args) ? asAsked(options) : asRecorded(options);
  const workspace = findWorkspace({ home, cwd, directory: args.workspace });
  const made = await makePlan({ args, env, workspace, sealed: true });
  const isProject = args.workspace === undefined && workspace.layers.some((layer) => layer.kind === "project");
  // what is detected anew at each start is not written down
  const pinned = capabilities.filter((name) => !made.selection.capabilities.has(name));
  const entry: Entry = {
    home,
    launcher,
    up: ["up", ...selectionWords({ ...args, capability: [...args.capability, ...pinned] })],
    ...(isProject ? { directory: cwd } : {}),
    environment: environmentOf(env),
    services: made.plan.services.map((service) => service.handle),
  };
  return { entry, warnings: [...made.selection.warnings, ...unseen(env), ...locked(home)] };
}

interface Wanted {
  args: SelectionArgs;
  cwd: string;
  /** Of what runs now. */
  capabilities?: readonly string[];
}

function namesServices(args: SelectionArgs): boolean {
  return selectionWords({ ...args, capability: [], "no-defaults": false, workspace: undefined }).length > 0;
}

/** Where a session begins is not where we are. */
function asAsked({ args, cwd }: Pick<Wanted, "args" | "cwd">): Wanted {
  return { args: args.workspace === undefined ? args : { ...args, workspace: resolve(cwd, args.workspace) }, cwd };
}

/** Each on what it runs on now, found where it was found. */
function asRecorded(options: DescribeStartOptions): Wanted {
  const record = readStack(options.home);
  const running = whatRuns(record);
  if (record === undefined || running === undefined || running.services.length === 0) return asAsked(options);
  const { services, natives, capabilities } = running;
  const names = services.filter((handle) => !natives.includes(handle));
  const args = { ...options.args, names, exclude: [...natives], "no-defaults": true };
  const projects = record.workspace === undefined ? (record.projects ?? []) : [];
  if (projects.length > 1)
    throw new HarborError("Cannot tell in which folder to start what runs now: its services come from several projects", {
      details: projects,
      hint: "Name the services in the folder of one of them, as in `harbor autostart enable webui`",
    });
  const [project] = projects;
  const workspace = options.args.workspace ?? record.workspace;
  return { args: { ...args, workspace }, cwd: project === undefined ? options.cwd : join(project, "..", ".."), capabilities };
}

/** Of the shell's environment, only what Harbor itself needs to find its way. */
function environmentOf(env: Env): Record<string, string> {
  const path = (env.PATH ?? "").split(":").filter((folder) => isAbsolute(folder));
  const passed = Object.fromEntries(ENGINE_VARIABLES.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  return { PATH: [...new Set(path)].join(":"), ...passed };
}

function unseen(env: Env): string[] {
  const names = Object.keys(env).filter((name) => name.startsWith("HARBOR_") && name !== "HARBOR_HOME" && env[name]);
  if (names.length === 0) return [];
  return [`Set in this shell alone, and not known to what starts by itself: ${names.sort().join(", ")} (put them into config.env)`];
}

/** The one that this very program was started by. */
function findLauncher(): string {
  const launcher = join(programRoot(), "bin", "harbor");
  if (/\/bunx-[^/]*\//.test(launcher)) {
    throw new HarborError(`Cannot start Harbor by itself: it was run by bunx, from "${dirname(dirname(launcher))}", which does not stay`, {
      exit: "missing",
      hint: "Install it first: bun add --global harbor",
    });
  }
  try {
    accessSync(launcher, constants.X_OK);
  } catch (cause) {
    throw new HarborError(`Cannot start Harbor by itself: its launcher "${launcher}" cannot be run`, { exit: "missing", cause });
  }
  return launcher;
}

/** Whoever is not logged in has no keychain that could be asked. */
function locked(home: string): string[] {
  const isInUse = (keychainNames(home) ?? []).length > 0;
  return isInUse
    ? ["Secrets are in the keychain, which is locked until you log in: what needs them would not start before (harbor secrets store file)"]
    : [];
}
