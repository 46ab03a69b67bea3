/** Whether what Harbor has noted of the stack is still there. */
import { renameSync } from "node:fs";
import { HarborError } from "../_script/error.ts";
import { describeLock, withLock } from "../_script/lock.ts";
import { readBootId } from "../_script/process-identity.ts";
import { type StackRecord, stateOf } from "../stack/read-stack.ts";
import { removeEmptyState, writeStack } from "../stack/write-stack.ts";
import { inspectSupervisor } from "../supervisor/inspect-supervisor.ts";
import { ifReadable } from "./_if-readable.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, skipped, warning } from "./finding.ts";

export interface StackFacts {
  home: string;
  record: StackRecord | HarborError | undefined;
  isThisBoot: boolean;
  /** Natives that the supervisor has to look after. */
  natives: readonly string[];
  /** Containers of its project, running or not; undefined where no engine answers. */
  containers: number | undefined;
}

export function judgeStack({ home, record, isThisBoot, natives, containers }: StackFacts): Finding {
  if (record === undefined) return ok("nothing is up");
  const { stack } = stateOf(home);
  if (record instanceof HarborError) {
    return failed({
      what: record.message,
      why: "Harbor does not know what is up, and no command that has to know runs",
      fix: `Move ${stack} away, then harbor up starts anew`,
      mend: () => {
        renameSync(stack, `${stack}.broken`);
        return `moved to ${stack}.broken`;
      },
    });
  }
  const { services, hasContainers, connected = [] } = record;
  if (natives.length > 0 || (containers ?? 0) > 0) return ok(`up: ${services.join(", ")}`);
  if (hasContainers && containers === undefined) return skipped(`no engine says whether ${services.join(", ")} still run`);
  // of a server of the user's own nothing is here
  if (isThisBoot && services.every((handle) => connected.includes(handle))) return ok(`up: ${services.join(", ")}`);
  return warning({
    what: `${services.join(", ")} ${services.length === 1 ? "is" : "are"} noted as up, and nothing of it is there${isThisBoot ? "" : ": this host was started anew since"}`,
    why: "`harbor up` would take it for a part of the stack, and `harbor ps` shows what is not there",
    fix: "harbor up starts it again, harbor down forgets it",
    mend: () => forgetStack(home),
  });
}

/** Data and logs stay. */
async function forgetStack(home: string): Promise<string> {
  await withLock(stateOf(home).lock, () => writeStack(home, undefined), { purpose: "harbor doctor --fix", waitMs: 1_000 });
  removeEmptyState(home);
  return "it is not noted any more; what services stored is untouched";
}

/** Who is changing the stack right now: then nothing of it can be judged. */
export function busyWith(home: string): string | undefined {
  const lock = describeLock(stateOf(home).lock);
  return lock?.state === "held" ? lock.holder : undefined;
}

export const checkStack: Check = {
  name: "stack",
  group: "state",
  about: "whether what is noted as up is there",
  async run(context) {
    const busy = busyWith(context.home);
    if (busy !== undefined) return skipped(`the stack is being changed by ${busy}`);
    const { home } = context;
    const record = await readRecord(context.record);
    const containers = record instanceof HarborError || record?.hasContainers !== true ? undefined : await ifReadable(context.containers);
    const { services } = inspectSupervisor(home);
    const isThisBoot = !(record instanceof HarborError) && record?.bootId === readBootId();
    return judgeStack({ home, record, isThisBoot, natives: services, containers: containers?.length });
  },
};

async function readRecord(read: () => StackRecord | undefined): Promise<StackFacts["record"]> {
  try {
    return read();
  } catch (error) {
    if (error instanceof HarborError) return error;
    throw error;
  }
}
