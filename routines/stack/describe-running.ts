/** The stack as it runs → what one of its services is told of it: each service, how it is, and where it is reached. */
import { HarborError } from "../_script/error.ts";
import { interpolate } from "../compose/interpolate.ts";
import type { PlannedService } from "../compose/make-plan.ts";
import type { Values } from "../config/read-values.ts";
import type { Container } from "../engine/list-containers.ts";
import { readContract } from "../native/read-contract.ts";
import { describeService } from "../workspace/describe-service.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { listFiles } from "../workspace/list-files.ts";
import type { ObservedStack, ServiceStatus } from "./observe-stack.ts";
import { serviceUrls } from "./service-urls.ts";

/** One service of the stack, as it is told to others: docs/interfaces.md has it as well. */
export interface RunningService {
  handle: string;
  /** For people. */
  name: string;
  runtime: "container" | "native" | "connected";
  /** As `harbor ps` has them. */
  state: string;
  health: string;
  /** The tag of its container's image; null for what is no container. */
  version: string | null;
  /** From this host; null where it offers nothing there. */
  url: string | null;
  /** From containers of the stack. */
  internalUrl: string | null;
  provides: string[];
  /** Path of a GET that is answered with 2xx while it is well; null where nothing says so: a connection has to do. */
  ready: string | null;
}

export interface DescribeRunningOptions {
  workspace: Workspace;
  values: Values;
  planned: readonly PlannedService[];
  observed: Pick<ObservedStack, "services" | "containers">;
}

/** By handle. A folder that can no longer be read hides what it says alone. */
export function describeRunning({ workspace, values, planned, observed }: DescribeRunningOptions): RunningService[] {
  return planned.map((service): RunningService => {
    const { handle, runtime } = service;
    const status = observed.services.find((it) => it.handle === handle);
    const { name, provides } = orNothing(() => describeService(handle, workspace)) ?? { name: handle, provides: [] };
    return {
      ...{ handle, name, runtime, provides },
      ...stateOf(status),
      version: runtime === "container" ? versionOf(observed.containers.find((it) => it.service === handle)) : null,
      url: service.urls[0] ?? null,
      internalUrl: serviceUrls(service, undefined).internal[0] ?? null,
      ready: readyPath(service, workspace, values),
    };
  });
}

function stateOf(status: ServiceStatus | undefined): Pick<RunningService, "state" | "health"> {
  return { state: status?.state ?? "unknown", health: status?.health ?? "" };
}

/** `docker.io/ollama/ollama:0.12.3@sha256:…` → `0.12.3` */
function versionOf(container: Container | undefined): string | null {
  return /:([\w.-]+)(?:@.*)?$/.exec(container?.image ?? "")?.[1] ?? null;
}

/** The probe of its contract, whatever it runs on: that asks without a key. */
function readyPath({ handle, connection, urls }: PlannedService, workspace: Workspace, values: Values): string | null {
  if (connection !== undefined) return connection.question.path ?? null;
  if (urls[0]?.startsWith("http") !== true) return null;
  return (
    orNothing(() => {
      const contract = listFiles({ workspace, handles: [handle], capabilities: new Set() }).find(
        (file) => file.kind === "contract" && file.parts[0] === handle,
      );
      const ready = contract === undefined ? undefined : readContract({ path: contract.path, handle }).ready;
      return ready?.http === undefined || ready.status !== undefined ? null : interpolate(ready.http, values.get);
    }) ?? null
  );
}

function orNothing<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof HarborError) return undefined;
    throw error;
  }
}
