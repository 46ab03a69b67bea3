/**
 * Takes down what stands for native services in compose projects of the user's own, found by labels: no file is needed,
 * and what is gone already is no error. The processes themselves are stopped by who calls.
 */
import { HarborError } from "../_script/error.ts";
import type { Env } from "../config/read-values.ts";
import type { Engine } from "../engine/connect-engine.ts";
import { type LeaseName, listLeases, removeLease } from "./leases.ts";
import type { Progress } from "./progress.ts";

/** The compose project that holds what joins a leased service to the project that leases it. */
export function companionProject({ project, service }: LeaseName): string {
  return `${project}-harbor-${service.toLowerCase().replace(/[^a-z0-9_-]/g, "-")}`;
}

/** The containers that join it to its project, and the one that shows it there. */
export async function removeLeaseContainers(engine: Engine, lease: LeaseName): Promise<void> {
  const { listContainers } = await import("../engine/list-containers.ts");
  const { removeContainers } = await import("../engine/remove-containers.ts");
  const { project, service } = lease;
  const shown = (await listContainers({ engine, project, details: false })).filter(
    (it) => it.service === service && it.runtime === "native",
  );
  await Promise.all([
    shown.length === 0 ? undefined : removeContainers({ engine, project, containers: shown }),
    removeContainers({ engine, project: companionProject(lease), networks: true, volumes: true }),
  ]);
}

export interface ReleaseLeasesOptions {
  home: string;
  env: Env;
  /** Of which native services. */
  isMeant: (handle: string) => boolean;
  progress: Progress;
}

/** Ends every lease of these services, whoever has it: for `harbor down`, which stops them next. */
export async function releaseLeases({ home, env, isMeant, progress }: ReleaseLeasesOptions): Promise<void> {
  const leases = listLeases(home).filter(({ handle }) => isMeant(handle));
  if (leases.length === 0) return;
  for (const { project, handle } of leases) progress.say(handle, `also stops for compose project "${project}"`);
  try {
    const { connectEngine } = await import("../engine/connect-engine.ts");
    const engine = await connectEngine({ env, home });
    for (const lease of leases) await removeLeaseContainers(engine, lease);
  } catch (error) {
    // the processes are stopped all the same; each project's own `down` finds its containers without the lease
    if (!(error instanceof HarborError) || error.exit !== "missing") throw error;
    const projects = [...new Set(leases.map(({ project }) => project))].join(", ");
    progress.warn(`No engine answers: containers are left in ${projects}; \`docker compose down\` there removes them`);
  }
  for (const lease of leases) removeLease(home, lease);
}
