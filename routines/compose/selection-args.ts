/** The options with which every command names a selection, written once. */
import type { ArgSpecs, ArgValues } from "../_script/command.ts";

export const selectionArgs = {
  names: {
    type: "positional",
    description: "Service handles and capabilities; `*` for every service",
    multiple: true,
    completes: "selection",
  },
  exclude: {
    type: "string",
    alias: "x",
    description: "Select a service and run it natively instead of in a container",
    valueHint: "H",
    multiple: true,
  },
  container: {
    type: "string",
    alias: "c",
    description: "Select a service and run it in a container, whatever is preferred",
    valueHint: "H",
    multiple: true,
  },
  native: { type: "boolean", alias: "n", description: "Run every selected service that has a native contract natively" },
  capability: { type: "string", description: "Select a capability: nvidia, cdi, rocm, mdc, build", valueHint: "C", multiple: true },
  "no-defaults": { type: "boolean", description: "Leave the default services out" },
  workspace: { type: "string", description: "A workspace directory", valueHint: "DIR" },
} as const satisfies ArgSpecs;

export type SelectionArgs = ArgValues<typeof selectionArgs>;
