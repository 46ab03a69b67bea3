/** What is noted of a service, and what there really is of it → what whoever asks is told. */
import { mayRun, type Service } from "./_service.ts";
import type { StoredService } from "./_store.ts";
import type { Unit } from "./_unit.ts";
import type { ServiceReport } from "./report.ts";

/** Without a service of the state machine's for one that is being forgotten. */
export function reportOf(stored: StoredService, unit: Unit, service: Service | undefined): ServiceReport {
  const { spec, state, why, since, status, run, restarts, isWanted, isAsleep, isCompleted, isLate } = stored;
  const { record, problem } = unit;
  const isRunning = service !== undefined && mayRun(service) && record?.mark === stored.mark;
  return {
    handle: spec.handle,
    state,
    why,
    since,
    status,
    pid: isRunning ? record.pid : null,
    port: spec.port ?? null,
    startedAt: record?.startedAt ?? null,
    logRun: unit.logRun ?? null,
    run,
    restarts,
    isWanted,
    isAsleep,
    isCompleted,
    isLate,
    lastSeen: service?.lastSeen ?? "",
    contract: spec.contract,
    dependsOn: Object.keys(spec.dependsOn),
    wasKilled: unit.wasKilled,
    ...(problem === undefined ? {} : { problem }),
  };
}
