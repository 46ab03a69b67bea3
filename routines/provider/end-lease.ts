/**
 * `docker compose down` and `stop` of a service with `provider: { type: harbor }`: what stands for it in the project goes,
 * and the process too where nobody else has it.
 */
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import type { Env } from "../config/read-values.ts";
import { connectEngine } from "../engine/connect-engine.ts";
import { type LeaseName, listHolders, listLeases, readLease, removeLease, writeLease } from "../stack/leases.ts";
import { readStack, stateOf } from "../stack/read-stack.ts";
import { removeLeaseContainers } from "../stack/release-leases.ts";
import { clearState, removeEmptyState } from "../stack/write-stack.ts";
import { stopServices } from "../supervisor/stop-services.ts";
import type { Tell } from "./channel.ts";

export interface EndLeaseOptions {
  home: string;
  env: Env;
  name: LeaseName;
  /** `stop` keeps the lease and the log, so that they are there when the project is started again. */
  action: "down" | "stop";
  tell: Tell;
  /** What was started, where the lease itself may be gone. */
  handle?: string;
}

/**
 * Without a lease there may still be containers. Throws `missing` where no engine answers, once the process is stopped.
 * Not to be interrupted: half of it would be of no use to anybody.
 */
export async function endLease(options: EndLeaseOptions): Promise<void> {
  const { home, name, action } = options;
  const purpose = `docker compose ${action} of project "${name.project}"`;
  await withLock(stateOf(home).lock, () => end(options), { purpose });
  removeEmptyState(home);
}

async function end(options: EndLeaseOptions): Promise<void> {
  const { home, env, name, action, tell } = options;
  const lease = readLease(home, name);
  const trouble = await removeContainers(options);
  const handle = lease?.handle ?? options.handle;
  const isKept = lease !== undefined && action === "stop";
  if (isKept) writeLease(home, { ...lease, isStopped: true });
  else removeLease(home, name);
  if (handle !== undefined) {
    const holders = listHolders(home, handle);
    if (holders.length > 0) tell("info", `${handle} goes on for ${holders.join(", ")}`);
    else await stopServices({ home, env, handles: [handle], forget: !isKept });
  }
  if (readStack(home) === undefined && listLeases(home).length === 0) clearState(home);
  if (trouble !== undefined) throw trouble;
}

/** Gives the error that says that no engine answers. */
async function removeContainers({ home, env, name }: EndLeaseOptions): Promise<HarborError | undefined> {
  try {
    await removeLeaseContainers(await connectEngine({ env, home }), name);
    return undefined;
  } catch (error) {
    if (error instanceof HarborError && error.exit === "missing") return error;
    throw error;
  }
}
