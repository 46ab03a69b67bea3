/** Who a name in a request means, and what is said where none of them can take it. */
import type { Conductor } from "../core/conductor.ts";
import { ConductorError } from "../core/conductor-error.ts";
import { causesOf } from "../core/health.ts";
import type { Component } from "../core/registry.ts";

const SHOWN = 20;

/** An id is that one alone; else all of that name; else all that can do it. */
export function findTargets({ registry }: Conductor, name: string): readonly Component[] {
  const one = registry.get(name);
  if (one !== undefined) return [one];
  const named = registry.named(name);
  return named.length > 0 ? named : registry.capableOf(name);
}

export function noInstance(name: string, candidates: readonly Component[]): ConductorError {
  const known = candidates.slice(0, SHOWN).map(({ id, health }) => ({ component_id: id, status: health.state, causes: causesOf(health) }));
  const message = known.length === 0 ? `Nobody has the capability "${name}"` : `No instance of "${name}" can take a request`;
  return new ConductorError("no_instance", message, {
    hint: "GET /services?watch=true tells when one comes",
    details: { instances: known, retry_after: 5 },
  });
}
