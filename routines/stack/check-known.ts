/** Names that a person typed of what runs: services, or companions of one that is up. */
import { HarborError } from "../_script/error.ts";
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import type { StackRecord } from "./read-stack.ts";

/** Throws `usage` for what can be no name, `unknown` for one that is no service's. */
export function checkKnown(names: readonly string[], home: string, record: StackRecord | undefined): void {
  for (const name of names) {
    checkHandle(name);
    if (isUp(name, record)) continue;
    const handles = listHandles(findStackWorkspace({ home, record }).workspace);
    if (!handles.includes(name)) throwUnknown(name, handles);
  }
}

/** As the last start left it: what has ended since counts as well. */
export function isUp(name: string, record: StackRecord | undefined): boolean {
  return record !== undefined && (record.services.includes(name) || record.planned.some((it) => it.containers.includes(name)));
}

/** For names of which nothing was found; `what` was to be done with them: `measure`. Gives back `unknown`. */
export function notUp(what: string, names: readonly string[]): HarborError {
  const listed = names.map((name) => `"${name}"`).join(", ");
  return new HarborError(`Cannot ${what} ${listed}: ${names.length === 1 ? "it is" : "they are"} not up`, {
    exit: "unknown",
    hint: `Start ${names.length === 1 ? "it" : "them"}: harbor up ${names.join(" ")}`,
  });
}
