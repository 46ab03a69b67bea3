/**
 * Carries a plan out: natives first, then containers through compose, then waits until all are as
 * healthy as they can tell. If anything fails or is interrupted, what this call started is stopped again.
 */
import { HarborError } from "../_script/error.ts";
import { type MadePlan, projectDirectoryOf } from "../compose/make-plan.ts";
import type { Env } from "../config/read-values.ts";
import { findPortOwner, formatPortOwner } from "../host/find-port-owner.ts";
import { readBootId } from "../_script/process-identity.ts";
import { stopProcess } from "../native/stop-process.ts";
import { makeDataFolders } from "./make-data-folders.ts";
import type { Progress } from "./progress.ts";
import { type StackRecord, stateOf } from "./read-stack.ts";
import { startNatives } from "./start-natives.ts";
import { writeComposeFiles, writeStack } from "./write-stack.ts";

export interface StartStackOptions {
  made: MadePlan;
  /** What was up before this call. */
  record: StackRecord | undefined;
  /** `--workspace` of this call, as a whole path. */
  workspace: string | undefined;
  env: Env;
  build: boolean;
  pull: boolean;
  /** Leave what was started as it is when something fails. */
  keep: boolean;
  timeoutMs: number | undefined;
  signal: AbortSignal;
  progress: Progress;
}

/** Throws what failed, after everything this call started is stopped again (but for `keep`). */
export async function startStack(options: StartStackOptions): Promise<void> {
  const { made, record, progress } = options;
  const { home } = made.plan.workspace;
  const stateDirectory = stateOf(home).directory;
  const started: string[] = [];
  const hasContainers = Object.keys(made.plan.compose.services as object).length > 0;
  const engine = hasContainers ? await import("./start-containers.ts") : undefined;
  const session = await engine?.openEngine(options);
  const since = new Date();
  try {
    checkPorts(made, record);
    // on disk first: whatever ends this process, `harbor down` knows what it may have started
    writeStack(home, recordOf(options, hasContainers));
    makeDataFolders(made);
    await startNatives({
      specs: made.plan.natives,
      stateDirectory,
      environment: options.env,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
      progress,
      onStarted: (handle) => started.push(handle),
    });
    if (engine !== undefined && session !== undefined) {
      const files = writeComposeFiles(made);
      await engine.startContainers({ ...options, ...files, session, projectDirectory: projectDirectoryOf(made.plan.workspace) });
    }
  } catch (error) {
    if (options.keep) throw error;
    progress.say("harbor", "stopping what was started");
    await Promise.all(started.map((handle) => stopProcess({ handle, stateDirectory, forget: true })));
    if (engine !== undefined && session !== undefined) await engine.removeStarted({ session, made, record, since });
    writeStack(home, record);
    throw error;
  }
}

function recordOf({ made, workspace, record }: StartStackOptions, hasContainers: boolean): StackRecord {
  const { plan, selection } = made;
  return {
    project: plan.project,
    workspace: workspace ?? record?.workspace,
    services: plan.services.map((service) => service.handle),
    natives: plan.natives.map((native) => native.handle),
    capabilities: [...selection.capabilities],
    planned: plan.services,
    hasContainers: hasContainers || (record?.hasContainers ?? false),
    bootId: readBootId(),
  };
}

/** Ports of services that were not up before; a native's own port is its start's to check. */
function checkPorts(made: MadePlan, record: StackRecord | undefined): void {
  for (const service of made.plan.services) {
    if (service.runtime === "native" || record?.services.includes(service.handle)) continue;
    for (const port of service.ports) {
      if (port.protocol !== "tcp") continue;
      const owner = findPortOwner({ port: port.published });
      if (owner === undefined) continue;
      throw new HarborError(`Cannot start "${service.handle}": port ${port.published} is taken by ${formatPortOwner(owner)}`, {
        hint: `Stop it, or set HARBOR_${service.handle.toUpperCase().replaceAll("-", "_")}_HOST_PORT to another port`,
      });
    }
  }
}
