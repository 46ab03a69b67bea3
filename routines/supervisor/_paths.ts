/** Where the supervisor of a `HARBOR_HOME` keeps its own things. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ProcessIdentity } from "../_script/process-identity.ts";

export interface SupervisorPaths {
  /** `$HARBOR_HOME/state`. */
  directory: string;
  lock: string;
  record: string;
  log: string;
}

/** Says where it listens: the socket of a deep folder stands elsewhere. */
export interface SupervisorRecord extends ProcessIdentity {
  socket: string;
  version: string;
}

export function supervisorPaths(home: string): SupervisorPaths {
  const directory = join(home, "state");
  const file = (name: string): string => join(directory, `supervisor.${name}`);
  return { directory, lock: file("lock"), record: file("json"), log: file("log") };
}

/** Undefined where none runs, as far as was noted. */
export function readSupervisor(home: string): SupervisorRecord | undefined {
  try {
    return JSON.parse(readFileSync(supervisorPaths(home).record, "utf8")) as SupervisorRecord;
  } catch {
    return undefined; // none, or one that was killed while it wrote, which the file's own rename rules out
  }
}
