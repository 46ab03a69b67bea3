/** The services that an earlier `up` brought up, so that the next one adds to them. */
import { readBootId } from "../_script/process-identity.ts";
import type { RunningServices } from "../compose/read-selection.ts";
import type { StackRecord } from "./read-stack.ts";

/**
 * By the record; after a restart of the machine nothing. Neither the engine nor the processes are asked: what has
 * ended by itself, or was removed by hand, still belongs to the stack, and the next `up` brings it back.
 */
export function whatRuns(record: StackRecord | undefined): RunningServices | undefined {
  if (record === undefined || record.bootId !== readBootId()) return undefined;
  const { services, natives, connected = [], capabilities } = record;
  return { services, natives, capabilities, ...(connected.length === 0 ? {} : { connected }) };
}
