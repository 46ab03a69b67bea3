/** Proxies of native services that are not there any more, and leases of compose projects that are gone. */
import { withLock } from "../_script/lock.ts";
import { readBootId } from "../_script/process-identity.ts";
import type { Engine } from "../engine/connect-engine.ts";
import { type Container, listContainers } from "../engine/list-containers.ts";
import { removeContainers } from "../engine/remove-containers.ts";
import { type Lease, listLeases, removeLease } from "../stack/leases.ts";
import { type StackRecord, stateOf } from "../stack/read-stack.ts";
import type { Check } from "./check.ts";
import { busyWith } from "./check-stack.ts";
import { type Finding, ok, skipped, warning } from "./finding.ts";

export interface OrphanFacts {
  home: string;
  project: string;
  /** Of the stack's project: those that stand in for natives and servers. */
  proxies: readonly Pick<Container, "id" | "name" | "handle">[];
  /** Natives and connected services of the record. */
  natives: readonly string[];
  leases: readonly { lease: Lease; isThisBoot: boolean; hasContainers: boolean }[];
  engine: Engine;
}

export function judgeOrphans({ home, project, proxies, natives, leases, engine }: OrphanFacts): Finding[] {
  const found: Finding[] = [];
  const orphans = proxies.filter(({ handle }) => !natives.includes(handle));
  if (orphans.length > 0) {
    const names = orphans.map(({ name }) => name).join(", ");
    found.push(
      warning({
        what: `containers that stand in for services which do not run: ${names}`,
        why: "By their names containers reach nothing, where they may expect another service",
        fix: `docker rm --force ${orphans.map(({ name }) => name).join(" ")}`,
        mend: async () => {
          // they hold nothing of anybody's
          const remove = () => removeContainers({ engine, project, containers: orphans });
          await withLock(stateOf(home).lock, remove, { purpose: "harbor doctor --fix", waitMs: 1_000 });
          return `removed ${names}`;
        },
      }),
    );
  }
  for (const { lease, isThisBoot, hasContainers } of leases) {
    if (isThisBoot || hasContainers) continue;
    found.push(
      warning({
        what: `compose project "${lease.project}" is noted as using ${lease.handle}, and nothing of it is there`,
        why: "It was removed while Harbor was not asked",
        fix: `docker compose --project-name ${lease.project} down`,
        mend: () => {
          removeLease(home, lease);
          return "it is not noted any more";
        },
      }),
    );
  }
  return found.length > 0 ? found : [ok("no proxy and no lease without its service")];
}

function standingFor(record: StackRecord | undefined): string[] {
  return [...(record?.natives ?? []), ...(record?.connected ?? [])];
}

export const checkOrphans: Check = {
  name: "orphans",
  group: "state",
  about: "proxies and leases whose service is gone",
  async run(context) {
    const { home, signal } = context;
    const busy = busyWith(home);
    if (busy !== undefined) return skipped(`the stack is being changed by ${busy}`);
    const { engine } = await context.engine();
    const proxies = (await context.containers()).filter(({ runtime }) => runtime !== "container");
    const bootId = readBootId();
    const leases = await Promise.all(
      listLeases(home).map(async (lease) => {
        const containers = await listContainers({ engine, project: lease.project, details: false, signal });
        return { lease, isThisBoot: lease.bootId === bootId, hasContainers: containers.length > 0 };
      }),
    );
    return judgeOrphans({ home, project: context.project(), proxies, natives: standingFor(context.record()), leases, engine });
  },
};
