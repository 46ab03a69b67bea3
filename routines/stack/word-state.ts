/** How a native or a connected service is → a line for a person, where there is more to say of it than that it is well. */
import type { ServiceStatus } from "./observe-stack.ts";

/** How it is reached from elsewhere, a line for each way. */
export function wordReach({ handle, reach = [] }: ServiceStatus): string[] {
  return reach.map(({ way, url, user }) => {
    const whom = user === null ? "by whoever knows the URL: nobody asks for a password" : `by ${user} and a password`;
    return `${handle} is reached from ${way === "expose" ? "the local network" : "the internet"} at ${url}, ${whom}`;
  });
}

/** Undefined where nothing needs to be said: of a container, and of one that is as it should be and says nothing of itself. */
export function wordState({ handle, supervised, answer }: ServiceStatus): string | undefined {
  if (answer !== undefined && answer.kind !== "right") return `${handle} ${WORDS[answer.kind]}: ${answer.what}`;
  if (supervised === undefined) return undefined;
  const { state, why, since, status } = supervised;
  // what it says is the reason why
  if (state === "degraded") return `${handle} is degraded since ${since.replace(/\.\d+Z$/, "Z")}: ${why}`;
  if (state === "ready" || state === "stopped") return status === "" ? undefined : `${handle} says: ${status}`;
  return `${handle} is ${state}: ${why}${status === "" ? "" : `; it says: ${status}`}`;
}

const WORDS = {
  locked: "asks for a key",
  other: "is answered for by something else",
  silent: "does not answer",
} as const;
