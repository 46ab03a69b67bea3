/** Who a message or a request is from and to, where names stand for ids. */
import type { Conductor } from "../core/conductor.ts";
import { ConductorError } from "../core/conductor-error.ts";
import type { Component } from "../core/registry.ts";
import { type Call, componentFor, nameOf } from "./call.ts";
import { type Fields, invalid, readOptionalText } from "./fields.ts";
import { COMPONENT_ID } from "./words.ts";

/** By its id, or by its name where it has one instance. Throws `unknown_component`; `invalid_request` where it has several. */
export function findOne({ registry }: Conductor, name: string): Component {
  const one = registry.get(name);
  if (one !== undefined) return one;
  const named = registry.named(name);
  if (named.length > 1) {
    throw new ConductorError("invalid_request", `There are ${named.length} instances of "${name}"`, {
      hint: "say which, by its id",
      details: { known: named.slice(0, 20).map(({ id }) => id) },
    });
  }
  return named[0] ?? registry.expect(name);
}

/** In whose name it is sent: the asking component's, or whom the operator says. Throws `not_yours` where another says another. */
export function senderOf(call: Call, fields: Fields): string {
  const from = readOptionalText(fields, "from", COMPONENT_ID);
  const own = nameOf(call.principal);
  return from === undefined || from === own ? own : componentFor(call, findOne(call.conductor, from).id).id;
}

/** Whose queue, whose stream: the asking component's, or the one that is named. */
export function ownerOf(call: Call, name: string | undefined): Component {
  if (name !== undefined) return componentFor(call, findOne(call.conductor, name).id);
  if (call.principal.kind === "component") return call.principal.component;
  throw invalid("component", "is missing: with the conductor's own token say whose");
}
