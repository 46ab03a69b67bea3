/** What the user prefers a service to run on: `HARBOR_<HANDLE>_RUNTIME`, and `HARBOR_RUNTIME` for all. */
import { HarborError } from "../_script/error.ts";
import type { Values } from "./read-values.ts";

/** `auto` is native where its contract requires GPU passthrough and containers have no GPU. */
export const RUNTIMES = ["native", "container", "auto"] as const;
/** What one service may prefer: also a server that is not Harbor's, `HARBOR_<HANDLE>_REMOTE_URL`. */
export const SERVICE_RUNTIMES = [...RUNTIMES, "connected"] as const;
export type Runtime = (typeof SERVICE_RUNTIMES)[number];

/** The variable for one service; for all without a handle. */
export function runtimeVariable(handle?: string): string {
  return handle === undefined ? "HARBOR_RUNTIME" : `HARBOR_${handle.toUpperCase().replaceAll("-", "_")}_RUNTIME`;
}

export interface Preference {
  runtime: Runtime;
  /** The variable and where it is set. */
  because: string;
}

/** Undefined where it is not set, or empty. Throws `usage` for a word that names no runtime. */
export function readPreference(values: Values, handle?: string): Preference | undefined {
  const name = runtimeVariable(handle);
  const { value, origin } = values.find(name) ?? {};
  if (value === undefined || value === "") return undefined;
  return { runtime: checkRuntime(value, `${name} "${value}" (${origin})`, handle), because: `${name} is ${value} (${origin})` };
}

/** The runtime that a word names, for one service or for all; throws `usage`, with `what` for the thing that holds it. */
export function checkRuntime(word: string, what: string, handle?: string): Runtime {
  const known: readonly Runtime[] = handle === undefined ? RUNTIMES : SERVICE_RUNTIMES;
  const runtime = known.find((it) => it === word);
  if (runtime !== undefined) return runtime;
  throw new HarborError(`Cannot use ${what}: there is no such runtime`, { exit: "usage", hint: `Use one of ${known.join(", ")}` });
}
