/** Which services could start without fetching anything: whose program is on this host, whose images the engine has. */
import { HarborError } from "../_script/error.ts";
import { type Env, readValues } from "../config/read-values.ts";
import { BUILT_IN_CAPABILITIES } from "../host/capabilities.ts";
import { findExecutable } from "../native/find-executable.ts";
import { readContract } from "../native/read-contract.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles } from "../workspace/list-files.ts";
import { listServiceImages } from "./list-service-images.ts";

export interface Installed {
  /** Its program is there; null where it has no contract. */
  native: boolean | null;
  /** All its images are; null where it has none, or the engine does not answer. */
  container: boolean | null;
}

export interface FindInstalledOptions {
  handles: readonly string[];
  workspace: Workspace;
  env: Env;
}

export interface FoundInstalled {
  installed: Map<string, Installed>;
  engineError: HarborError | undefined;
}

export async function findInstalled({ handles, workspace, env }: FindInstalledOptions): Promise<FoundInstalled> {
  const { listImages, normalizeReference } = await import("../engine/list-images.ts");
  const values = readValues({ workspace, env });
  let tags: Set<string> | undefined;
  let engineError: HarborError | undefined;
  try {
    tags = new Set((await listImages({ env, home: workspace.home })).flatMap((image) => image.tags));
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    engineError = error;
  }
  const installed = new Map<string, Installed>();
  for (const handle of handles) {
    const images = tags === undefined ? [] : await listServiceImages({ handle, workspace, env });
    const container = images.length === 0 ? null : images.every((image) => tags?.has(normalizeReference(image)));
    installed.set(handle, { native: hasProgram(handle, workspace, values.get), container });
  }
  return { installed, engineError };
}

/** A contract that cannot be read has no program that can be started. */
function hasProgram(handle: string, workspace: Workspace, values: (name: string) => string | undefined): boolean | null {
  const files = listFiles({ workspace, handles: [handle], capabilities: new Set(BUILT_IN_CAPABILITIES) });
  const file = files.findLast(({ kind, parts }) => kind === "contract" && parts[0] === handle);
  if (file === undefined) return null;
  try {
    const contract = readContract({ path: file.path, handle });
    return findExecutable({ contract, values, path: values("PATH") ?? "" }).file !== null;
  } catch (error) {
    if (error instanceof HarborError) return false;
    throw error;
  }
}
