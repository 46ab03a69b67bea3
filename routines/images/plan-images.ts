/** A plan → the images of its containers: which service needs which, what pins its version, and whether it is built here. */

import { findExpression, interpolate } from "../compose/interpolate.ts";
import type { MadePlan } from "../compose/make-plan.ts";
import { keyOf } from "../config/name-variable.ts";
import { listHandles } from "../workspace/list-handles.ts";

export interface PlannedImage {
  handle: string;
  /** Of the compose model. */
  service: string;
  /** With its tag or digest. */
  image: string;
  /** Its definition says how to build it: no registry needs to have it. */
  isBuilt: boolean;
  /** The configuration's key for its version, and what that is now; undefined where the file says neither. */
  pin?: { key: string; value: string };
}

export interface PlanImagesOptions {
  made: MadePlan;
  /** Only of these services; all of the plan's, with what stands in for natives, when left out. */
  handles?: ReadonlySet<string> | undefined;
}

type Service = Record<string, unknown>;

/** By service of the model. */
export function planImages({ made, handles }: PlanImagesOptions): PlannedImage[] {
  const { plan, values } = made;
  const services = (plan.compose.services ?? {}) as Record<string, Service>;
  const all = listHandles(plan.workspace);
  return plan.services.flatMap(({ handle, runtime, containers }) => {
    // of a native that is named itself, the proxy is nobody's business
    if (handles !== undefined && (!handles.has(handle) || runtime === "native")) return [];
    return containers.map((service): PlannedImage => {
      const { image, build } = services[service] ?? {};
      const written = typeof image === "string" ? image : undefined;
      const name = written === undefined ? `${plan.project}-${service}` : interpolate(written, values.get);
      const pin = written === undefined ? undefined : findPin(written, made, all);
      return { handle, service, image: name, isBuilt: build !== undefined, ...(pin === undefined ? {} : { pin }) };
    });
  });
}

/** The variable of the image's tag, by its name. */
function findPin(written: string, { values }: MadePlan, handles: readonly string[]): PlannedImage["pin"] {
  for (let found = findExpression(written, 0); found !== undefined; found = findExpression(written, found.end)) {
    if (!found.name.endsWith("_VERSION")) continue;
    const value = interpolate(written.slice(found.start, found.end), values.get);
    return { key: keyOf(found.name, handles), value };
  }
  return undefined;
}
