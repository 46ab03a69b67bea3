/** What a component may see of others where there are access rules: of events, and of what errors tell. */
import { ConductorError } from "../core/conductor-error.ts";
import type { Admits } from "../core/event-hub.ts";
import { nameOfId } from "../core/registry.ts";
import type { StoredEvent } from "../store/store.ts";
import type { Call, Principal } from "./call.ts";

/** Undefined: all. An event is somebody's who published it, or about whom the conductor tells it; else it is for all. */
export function admitsFor({ conductor, principal }: Call): Admits | undefined {
  const { access } = conductor;
  if (principal.kind === "operator" || !access.hasRules) return undefined;
  const { component } = principal;
  return (event) => {
    const ids = idsOf(event);
    return ids.length === 0 || ids.some((id) => access.may(component, "subscribe", { id, name: nameOfId(id) }));
  };
}

function idsOf({ type, source, data }: StoredEvent): string[] {
  if (source !== "conductor") return source === "operator" ? [] : [source];
  const { component_id, from, to } = (typeof data === "object" && data !== null ? data : {}) as Record<string, unknown>;
  return (type === "message-dead" ? [from, to] : [component_id]).filter((id) => typeof id === "string");
}

/** Without the names of those that it may not find: an error says who is known. */
export function withoutHidden(error: unknown, { access }: Call["conductor"], principal: Principal | undefined): unknown {
  if (!(error instanceof ConductorError) || principal?.kind !== "component" || !access.hasRules) return error;
  const { code, message, hint, details } = error;
  if (code !== "unknown_component" || !Array.isArray(details.known)) return error;
  const known = (details.known as string[]).filter((id) => access.may(principal.component, "discover", { id, name: nameOfId(id) }));
  const { known_total: _, ...rest } = details;
  return new ConductorError(code, message, { ...(hint === undefined ? {} : { hint }), details: { ...rest, known } });
}
