/**
 * Joins a native service that is ready to the compose project that leases it: containers by which the project's own find
 * it under its name, and one that shows its log and health in `docker compose logs` and `ps`.
 */
import { HarborError } from "../_script/error.ts";
import { type MadePlan, projectDirectoryOf } from "../compose/make-plan.ts";
import type { ComposeModel } from "../compose/merge-compose.ts";
import type { Env } from "../config/read-values.ts";
import { connectEngine, type Engine } from "../engine/connect-engine.ts";
import { findCompose } from "../engine/find-compose.ts";
import { runComposeOrThrow } from "../engine/run-compose.ts";
import { waitContainers } from "../engine/wait-containers.ts";
import { type NativeSpec, offersPort } from "../native/resolve-contract.ts";
import { type LeaseName, leaseFolder } from "../stack/leases.ts";
import { stateOf } from "../stack/read-stack.ts";
import { companionProject } from "../stack/release-leases.ts";
import { writeComposeFiles } from "../stack/write-stack.ts";
import { findNetworks } from "./_find-networks.ts";
import { companionModel, mirrorModel } from "./_models.ts";

export interface JoinProjectOptions {
  home: string;
  env: Env;
  lease: LeaseName;
  made: MadePlan;
  spec: NativeSpec;
  /** As named in the options; all of the project when empty. */
  networks: readonly string[];
  /** When this call began, as `performance.now()` counts. */
  startedAt: number;
  signal: AbortSignal;
}

/** Throws `missing` for an engine whose containers do not reach this host, and what compose or a container says that fails. */
export async function joinProject(options: JoinProjectOptions): Promise<void> {
  const { home, env, lease, made, spec, signal } = options;
  const engine = await connectEngine({ env, home, wanted: made.values.get("HARBOR_ENGINE_KIND"), signal });
  if (offersPort(spec)) refuseApart(engine, spec);
  const networks = offersPort(spec) ? await findNetworks({ ...options, engine, project: lease.project, wanted: options.networks }) : [];
  const { handle } = spec;
  const project = companionProject(lease);
  const parts: Part[] = [
    {
      project: lease.project,
      service: lease.service,
      model: mirrorModel({ made, handle, lease, stateDirectory: stateOf(home).directory }),
    },
  ];
  // where the project has no network, nobody looks for it
  if (networks.length > 0)
    parts.push({ project, service: lease.service, model: companionModel({ made, handle, lease, project, networks }) });
  await Promise.all(parts.map((part) => startPart(part, options, engine)));
}

/** A compose model to bring up, and the service in it that tells when it is of use. */
interface Part {
  project: string;
  service: string;
  model: ComposeModel;
}

async function startPart({ project, service, model }: Part, options: JoinProjectOptions, engine: Engine): Promise<void> {
  const { home, env, lease, made, signal } = options;
  const isOwn = project !== lease.project;
  const files = writeComposeFiles(made, `${leaseFolder(home, lease)}/${isOwn ? "companion" : "mirror"}`, model);
  await runComposeOrThrow({
    // in the user's own project all but the mirror is somebody else's
    args: ["up", "--detach", `--remove-orphans=${isOwn}`],
    ...files,
    project,
    projectDirectory: projectDirectoryOf(made.plan.workspace),
    env: ownEnvironment(env, isOwn),
    compose: findCompose({ env, home }),
    signal,
    stdio: "capture",
  });
  await waitContainers({ engine, project, services: [service], signal });
}

/** Without what the outer compose and the docker command tell their children: they are not about this one. */
function ownEnvironment(env: Env, isOwn: boolean): Env {
  const kept = Object.entries(env).filter(([name]) => !/^(?:COMPOSE_|DOCKER_CLI_PLUGIN_)/.test(name));
  return { ...Object.fromEntries(kept), ...(isOwn ? {} : { COMPOSE_IGNORE_ORPHANS: "true" }) };
}

function refuseApart({ kind }: Engine, { handle }: NativeSpec): void {
  if (kind !== "rootless" && kind !== "remote") return;
  throw new HarborError(`Cannot join "${handle}" to containers: a ${kind} engine's containers do not reach this host's loopback`, {
    exit: "missing",
    hint: "Use an engine that runs as root on this machine or Docker Desktop",
  });
}
