/** Names that a person typed of what runs: services, or companions of one that is up. */
import { checkHandle, listHandles, throwUnknown } from "../workspace/list-handles.ts";
import { findStackWorkspace } from "./find-stack-workspace.ts";
import type { StackRecord } from "./read-stack.ts";

/** Throws `usage` for what can be no name, `unknown` for one that is no service's. */
export function checkKnown(names: readonly string[], home: string, record: StackRecord | undefined): void {
  for (const name of names) {
    checkHandle(name);
    if (record?.services.includes(name) || record?.planned.some((it) => it.containers.includes(name))) continue;
    const handles = listHandles(findStackWorkspace({ home, record }).workspace);
    if (!handles.includes(name)) throwUnknown(name, handles);
  }
}
