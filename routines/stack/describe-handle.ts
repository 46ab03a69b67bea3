/**
 * All there is to know of one service without asking the engine: what its folder says, what it runs on and why, where it is
 * reached, its files, settings, data, and the contract with its program.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { formatPlace, HarborError } from "../_script/error.ts";
import { parseCommandArgs } from "../_script/parse-args.ts";
import { makePlan, type PlannedService } from "../compose/make-plan.ts";
import { selectionArgs } from "../compose/selection-args.ts";
import { generatedKeys } from "../config/generated-keys.ts";
import { listKeys } from "../config/list-keys.ts";
import { listSettings } from "../config/list-settings.ts";
import { handleOf } from "../config/name-variable.ts";
import { openSecrets } from "../config/read-secrets.ts";
import { type Env, readValues, type Values } from "../config/read-values.ts";
import { type DescribedSetting, maskSettings, withDeclaration } from "../config/show-settings.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { findLanAddress } from "../host/find-lan-address.ts";
import { findExecutable } from "../native/find-executable.ts";
import { readContract } from "../native/read-contract.ts";
import { describeService, type ServiceDescription } from "../workspace/describe-service.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { type FileKind, listFiles, type ServiceFile } from "../workspace/list-files.ts";
import { listHandles } from "../workspace/list-handles.ts";
import type { StackRecord } from "./read-stack.ts";
import { howToExpose, type ServiceUrls, serviceUrls } from "./service-urls.ts";
import { whatRuns } from "./what-runs.ts";

export interface ServiceInfo extends ServiceDescription {
  /** Whether the last `harbor up` left it running; `harbor ps` looks. */
  isUp: boolean;
  /** What it runs on, or would; null where that cannot be planned. */
  runtime: PlannedService["runtime"] | null;
  because: string | null;
  /** The images, the command line, or the server's URL. */
  runs: string | null;
  /** Why it cannot be planned. */
  problem: string | null;
  urls: ServiceUrls;
  /** How to have it reached from the local network, where it is not. */
  expose: string | null;
  data: { folder: string; exists: boolean };
  contract: ContractInfo | null;
  files: { path: string; kind: FileKind }[];
  settings: DescribedSetting[];
  /** Those that Harbor makes for it. */
  credentials: { key: string; isSet: boolean }[];
}

export interface ContractInfo {
  path: string;
  /** As the contract names it. */
  executable: string | null;
  /** Where it is; null where it is not installed. */
  file: string | null;
  /** How to get it on this platform. */
  install: string | null;
  requiresGpu: boolean;
  /** Why it cannot be read. */
  problem: string | null;
}

export interface DescribeHandleOptions {
  handle: string;
  workspace: Workspace;
  record: StackRecord | undefined;
  env: Env;
  showsSecrets: boolean;
  /** Of this host in the local network; asked of the system when left out. */
  lanAddress?: string | undefined;
}

/** Throws `unknown` for a handle that no layer has, and for a configuration that cannot be read; what is wrong in the folder itself is told in the answer. */
export async function describeHandle(options: DescribeHandleOptions): Promise<ServiceInfo> {
  const { handle, workspace, record, env } = options;
  const description = describeService(handle, workspace);
  if (options.showsSecrets) await openSecrets(workspace.home);
  const values = readValues({ workspace, env });
  const isUp = whatRuns(record)?.services.includes(handle) ?? false;
  const lanAddress = options.lanAddress ?? (await findLanAddress());
  const { planned, problem } = await planOf(options, isUp);
  const urls = planned === undefined ? { local: [], lan: [], internal: [] } : serviceUrls(planned, lanAddress);
  const folder = join(values.get("HARBOR_DATA") ?? "", handle);
  const files = filesOf(options);
  return {
    ...description,
    isUp,
    runtime: planned?.runtime ?? null,
    because: planned?.because ?? null,
    runs: planned?.runs ?? null,
    problem,
    urls,
    expose:
      planned !== undefined && planned.runtime !== "connected" && urls.local.length > 0 && urls.lan.length === 0
        ? howToExpose(planned)
        : null,
    data: { folder, exists: existsSync(folder) },
    contract: contractOf(handle, files, values),
    files: files.map(({ path, kind }) => ({ path, kind })),
    settings: settingsOf(options, values, files),
    credentials: credentialsOf(handle, files, values),
  };
}

/** Without those that are set to nothing: its user wants none. */
function credentialsOf(handle: string, files: readonly ServiceFile[], values: Values): ServiceInfo["credentials"] {
  const own = generatedKeys(
    files.filter((file) => file.handle === handle),
    values,
  );
  return own.flatMap(({ name, source }) => {
    const value = values.find(name)?.value;
    return value === "" ? [] : [{ key: source?.key ?? name, isSet: value !== undefined }];
  });
}

interface PlanOf {
  planned: PlannedService | undefined;
  problem: string | null;
}

/** As it runs; else as it would by itself, beside nothing that could be broken in its place. */
async function planOf({ handle, workspace, record, env }: DescribeHandleOptions, isUp: boolean): Promise<PlanOf> {
  const recorded = isUp ? record?.planned.find((it) => it.handle === handle) : undefined;
  if (recorded !== undefined) return { planned: recorded, problem: null };
  const { args } = parseCommandArgs([handle, "--no-defaults"], selectionArgs, "harbor info");
  try {
    const { plan } = await makePlan({ args, env, workspace, sealed: true });
    return { planned: plan.services.find((it) => it.handle === handle), problem: null };
  } catch (error) {
    return { planned: undefined, problem: wordProblem(error) };
  }
}

function wordProblem(error: unknown): string {
  if (!(error instanceof HarborError)) throw error;
  const place = error.at === undefined ? "" : `${formatPlace(error.at)}: `;
  return [`${place}${error.message}`, ...error.details].join("; ");
}

/** Its own, then those of others that are added where both are selected. */
function filesOf({ handle, workspace }: DescribeHandleOptions): ServiceFile[] {
  const all = listFiles({ workspace, handles: "*", capabilities: new Set(BUILT_IN_CAPABILITIES) });
  const isOwn = (file: ServiceFile): boolean => file.parts[0] === handle && file.kind !== "cross";
  const about = all.filter((file) => file.parts.includes(handle));
  return [...about.filter(isOwn), ...about.filter((file) => !isOwn(file))];
}

function contractOf(handle: string, files: readonly ServiceFile[], values: Values): ContractInfo | null {
  const file = files.findLast(({ kind, parts }) => kind === "contract" && parts[0] === handle);
  if (file === undefined) return null;
  const { path } = file;
  try {
    const contract = readContract({ path, handle });
    const found = findExecutable({ contract, values: values.get, path: values.get("PATH") ?? "" });
    const install = contract.install[process.platform] ?? contract.install.any ?? null;
    return { path, executable: found.program, file: found.file, install, requiresGpu: contract.requiresGpuPassthrough, problem: null };
  } catch (error) {
    return { path, executable: null, file: null, install: null, requiresGpu: false, problem: wordProblem(error) };
  }
}

/** Those that its files name, and those that are called after it. */
function settingsOf(
  { handle, workspace, showsSecrets }: DescribeHandleOptions,
  values: Values,
  files: readonly ServiceFile[],
): DescribedSetting[] {
  const keys = listKeys({ workspace });
  const handles = listHandles(workspace);
  const own = new Set(files.filter(({ kind, parts }) => kind !== "cross" && parts[0] === handle).map(({ path }) => path));
  const settings = listSettings({ keys, values, workspace, all: true }).filter(
    ({ name }) => handleOf(name, handles) === handle || keys.get(name)?.files.some((path) => own.has(path)),
  );
  return maskSettings(settings, keys, showsSecrets).map((setting) => withDeclaration(setting, keys));
}
