/** What a route is given, and how a route is described: the words that server.ts and the files beside this one share. */
import type { Named, Operation } from "../core/access-rules.ts";
import type { Conductor } from "../core/conductor.ts";
import { ConductorError } from "../core/conductor-error.ts";
import type { Component } from "../core/registry.ts";

/** Who asks: whoever has the join token (`isStack`: Harbor, which has one of its own), or a component with its own. */
export type Principal =
  | { readonly kind: "operator"; readonly isStack?: true }
  | { readonly kind: "component"; readonly component: Component };

export interface Call {
  readonly request: Request;
  /** What stands for `:name` in the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly conductor: Conductor;
  readonly principal: Principal;
  /** The address that the request came from. */
  readonly from: string;
  /** What the audit says besides: whom it was about, never what was sent. */
  readonly note: (about: Readonly<Record<string, unknown>>) => void;
  /** From here on the connection may be quiet for as long as it likes. */
  readonly hold: () => void;
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

export interface Endpoint {
  readonly handle: (call: Call) => Response | Promise<Response>;
  /** `open`: no token is asked for. `page`: neither for a browser that wants a page. `operator`: the join token. Else any that is good. */
  readonly access?: "open" | "page" | "operator";
}

/** Paths as `Bun.serve` writes them. `ANY` stands for every method. */
export type Routes = Readonly<Record<string, Partial<Readonly<Record<Method | "ANY", Endpoint>>>>>;

/** The component in whose name something is asked. Throws `not_yours` where another asks, `unknown_component` where there is none. */
export function componentFor({ conductor, principal }: Call, id: string): Component {
  if (principal.kind === "component" && principal.component.id === id) return principal.component;
  const component = conductor.registry.expect(id);
  if (principal.kind === "operator") return component;
  throw new ConductorError("not_yours", `The token is ${principal.component.id}'s, not ${id}'s`, {
    hint: "use the token that this component was given by POST /register",
  });
}

/** To be asked later: whether the component that asks has not registered again, nor left, since. The operator always is the same. */
export function stillSame({ conductor, principal }: Call): () => boolean {
  if (principal.kind === "operator") return () => true;
  const { component } = principal;
  const { instance } = component;
  return () => conductor.registry.get(component.id) === component && component.instance === instance;
}

/** What a component is told that is not the same any more. */
export function replaced({ principal }: Call): ConductorError {
  return new ConductorError("unknown_token", `${nameOf(principal)} has registered again, or left, while this waited`, {
    hint: "POST /register",
  });
}

/** Whose connection it is; undefined for the operator's. */
export function holderOf({ principal }: Call): Component | undefined {
  return principal.kind === "component" ? principal.component : undefined;
}

/** The name under which something is said: a component's id, or `operator`. */
export function nameOf(principal: Principal): string {
  return principal.kind === "operator" ? "operator" : principal.component.id;
}

/** What stands after the path, as it was written. */
export function queryOf(call: Call): URLSearchParams {
  const { url } = call.request;
  const start = url.indexOf("?");
  return new URLSearchParams(start < 0 ? "" : url.slice(start + 1));
}

/** The path as it was written, without what comes before and after. */
export function pathOf(request: Request): string {
  const { url } = request;
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return start < 0 ? "/" : url.slice(start, end < 0 ? undefined : end);
}

export function isYes(text: string | null): boolean {
  return text !== null && ["", "1", "true", "yes"].includes(text);
}

/** A browser that opens an address; what its pages ask for by script is something else. */
export function wantsPage({ method, headers }: Request): boolean {
  return method === "GET" && !headers.has("authorization") && headers.get("accept")?.includes("text/html") === true;
}

/** Whether rules let whoever asks do this with that component. */
export function mayReach({ conductor, principal }: Call, operation: Operation, to: Named): boolean {
  return principal.kind === "operator" || conductor.access.may(principal.component, operation, to);
}

/** Throws `access_denied` where rules do not let whoever asks do this with that component. */
export function requireReach({ conductor, principal }: Call, operation: Operation, to: Named): void {
  if (principal.kind === "component") conductor.access.require(principal.component, operation, to);
}

/** Those of them that rules let whoever asks do this with. Throws `access_denied` where there are some, and none of these. */
export function reachable(call: Call, operation: Operation, found: readonly Component[]): readonly Component[] {
  const allowed = found.filter((component) => mayReach(call, operation, component));
  if (allowed.length === 0 && found[0] !== undefined) requireReach(call, operation, found[0]);
  return allowed;
}
