/** The services that an earlier `up` left running, so that the next one adds to them. */
import { readBootId } from "../_script/process-identity.ts";
import type { RunningServices } from "../compose/read-selection.ts";
import { listProcesses } from "../native/list-processes.ts";
import { type StackRecord, stateOf } from "./read-stack.ts";

/**
 * By the record, less what is known to have ended: native processes that are gone, and after a restart
 * of the machine everything. Asks no engine: a container that somebody removed by hand comes back.
 */
export function whatRuns(record: StackRecord | undefined, home: string): RunningServices | undefined {
  if (record === undefined || record.bootId !== readBootId()) return undefined;
  const alive = new Set(
    listProcesses({ stateDirectory: stateOf(home).directory })
      .filter((process) => process.state === "running")
      .map((process) => process.handle),
  );
  const natives = record.natives.filter((handle) => alive.has(handle));
  const services = record.services.filter((handle) => !record.natives.includes(handle) || alive.has(handle));
  return { services, natives, capabilities: record.capabilities };
}
