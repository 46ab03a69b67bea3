/** A look at what is left of a supervisor that asks nobody and starts nothing: for whoever judges whether it is as it should be. */
import { rmSync } from "node:fs";
import { isAlive } from "../_script/process-identity.ts";
import { readSupervisor, supervisorPaths } from "./_paths.ts";
import { readServices } from "./_store.ts";

export interface SupervisorTraces {
  /** Of the one that runs, or ran last; undefined where none did. */
  pid: number | undefined;
  version: string | undefined;
  isAlive: boolean;
  /** What it says of the socket and where its log is. */
  record: string;
  log: string;
  /** Handles that it has to look after, or would have to, in byte order. */
  services: string[];
  /** Handle → why what is known of it cannot be read. */
  broken: { handle: string; why: string }[];
}

/** Of the supervisor of this `HARBOR_HOME`. */
export function inspectSupervisor(home: string): SupervisorTraces {
  const { directory, record, log } = supervisorPaths(home);
  const found = readSupervisor(home);
  const { services, broken } = readServices(directory);
  const wanted = services.filter((it) => it.isAsleep || (it.state !== "stopped" && it.state !== "failed"));
  return {
    pid: found?.pid,
    version: found?.version,
    isAlive: found !== undefined && isAlive(found),
    record,
    log,
    services: wanted.map(({ spec }) => spec.handle).sort(),
    broken: broken.map(({ handle, why }) => ({ handle, why })),
  };
}

/** Removes the record and the socket of one that has ended without doing so. A live one's stays. */
export function forgetDeadSupervisor(home: string): boolean {
  const found = readSupervisor(home);
  if (found === undefined || isAlive(found)) return false;
  rmSync(found.socket, { force: true });
  rmSync(supervisorPaths(home).record, { force: true });
  return true;
}
