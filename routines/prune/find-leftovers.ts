/** All that Harbor made and nothing uses any more, by kind. Looks only; each says how it is removed. */
import { formatPlace, HarborError } from "../_script/error.ts";
import type { Env } from "../config/read-values.ts";
import { readValues } from "../config/read-values.ts";
import { currentStack } from "../stack/current-stack.ts";
import { findStackWorkspace } from "../stack/find-stack-workspace.ts";
import { listHandles } from "../workspace/list-handles.ts";
import { findEnvironments, findLogs, findState } from "./find-files.ts";
import type { Kind, Leftover } from "./leftover.ts";

export interface FindLeftoversOptions {
  env: Env;
  kinds: ReadonlySet<Kind>;
  /** Told what could not be looked at, and why. */
  onWarning: (text: string) => void;
}

/** In the order in which they can be removed. */
export async function findLeftovers(options: FindLeftoversOptions): Promise<Leftover[]> {
  const { env, kinds } = options;
  const { home, record } = currentStack(env);
  const { workspace } = findStackWorkspace({ home, record });
  const data = readValues({ workspace, env }).get("HARBOR_DATA") ?? "";
  return [
    ...(await askEngine(options)),
    ...(kinds.has("logs") ? findLogs(home) : []),
    ...(kinds.has("state") ? findState(home, data, record) : []),
    ...(kinds.has("environments") ? findEnvironments(data, listHandles(workspace)) : []),
  ];
}

const OF_ENGINE: readonly Kind[] = ["containers", "networks", "images"];

/** Without an engine there is nothing of it to remove; what it may have is said. */
async function askEngine({ env, kinds, onWarning }: FindLeftoversOptions): Promise<Leftover[]> {
  if (!OF_ENGINE.some((kind) => kinds.has(kind))) return [];
  const { home, project, record } = currentStack(env);
  const { workspace } = findStackWorkspace({ home, record });
  const [{ connectEngine }, { findContainers, findNetworks }, { findImages }] = await Promise.all([
    import("../engine/connect-engine.ts"),
    import("./find-docker.ts"),
    import("./find-images.ts"),
  ]);
  try {
    const engine = await connectEngine({ env, home });
    const found = kinds.has("containers") ? await findContainers({ engine, project, record }) : [];
    if (kinds.has("networks")) found.push(...(await findNetworks({ engine, project, record }, found)));
    if (kinds.has("images")) {
      const find = findImages({ engine, workspace, values: readValues({ workspace, env }) });
      found.push(...(await orWarn(find, "Images are left as they are", onWarning)));
    }
    return found;
  } catch (error) {
    if (!(error instanceof HarborError) || error.exit !== "missing") throw error;
    onWarning(`What containers have left is not looked at: ${error.message}`);
    return [];
  }
}

async function orWarn(work: Promise<Leftover[]>, what: string, onWarning: (text: string) => void): Promise<Leftover[]> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof HarborError) || error.exit === "missing") throw error;
    onWarning(`${what}: ${error.at === undefined ? "" : `${formatPlace(error.at)}: `}${error.message}`);
    return [];
  }
}
