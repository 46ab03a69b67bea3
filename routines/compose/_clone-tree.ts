/** A deep copy of a model; numbers that carry their spelling are shared, being immutable. */
import { LISTED } from "./_merge-mixed.ts";
import { isMap } from "./_merge-tree.ts";

/** Copies maps and lists all the way down. */
export function cloneTree(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cloneTree);
  if (!isMap(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) copy[key] = cloneTree(value[key]);
  if (LISTED.has(value)) LISTED.add(copy);
  return copy;
}
