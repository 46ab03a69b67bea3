/** How a native service is → a line for a person, where there is more to say of it than that it is well. */
import type { ServiceStatus } from "./observe-stack.ts";

/** Undefined where nothing needs to be said: of a container, and of one that is as it should be and says nothing of itself. */
export function wordState({ handle, supervised }: ServiceStatus): string | undefined {
  if (supervised === undefined) return undefined;
  const { state, why, since, status } = supervised;
  // what it says is the reason why
  if (state === "degraded") return `${handle} is degraded since ${since.replace(/\.\d+Z$/, "Z")}: ${why}`;
  if (state === "ready" || state === "stopped") return status === "" ? undefined : `${handle} says: ${status}`;
  return `${handle} is ${state}: ${why}${status === "" ? "" : `; it says: ${status}`}`;
}
