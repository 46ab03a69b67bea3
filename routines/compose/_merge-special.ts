/** Merge rules that one attribute each has for itself. */
import { type ComposeMap, isMap, type Merging, mergeMaps, type RulePlace } from "./_merge-tree.ts";

/** The later value, whatever it is; null resets. */
export function replace(_base: unknown, over: unknown): unknown {
  return over;
}

/** `build: ./x` is `build: {context: ./x}`. */
export function mergeBuild(base: unknown, over: unknown, merging: Merging, place: RulePlace): unknown {
  return mergeMaps(buildMap(base, merging), buildMap(over, merging), place, merging);
}

function buildMap(value: unknown, merging: Merging): ComposeMap {
  if (typeof value === "string") return { context: value };
  if (value === null || value === undefined) return {};
  return isMap(value) ? value : merging.fail("it has to be a path or a map");
}

/** Options of one logging driver mean nothing to another: a different driver replaces the whole. */
export function mergeLogging(base: unknown, over: unknown, merging: Merging, place: RulePlace): unknown {
  if (!isMap(base) || !isMap(over)) return merging.fail("it has to be a map");
  const isNamed = Object.hasOwn(base, "driver") && Object.hasOwn(over, "driver");
  if (isNamed && driverOf(base, merging) !== driverOf(over, merging)) return over;
  return mergeMaps(base, over, place, merging);
}

function driverOf(logging: ComposeMap, merging: Merging): string | null {
  return logging.driver === null ? null : merging.text(logging.driver);
}

/**
 * Address pools, by subnet. Compose compares each pool of the base with each of the override: one that no override
 * names is dropped, and a second override for a subnet already taken is laid onto the pool at hand.
 */
export function mergeIpam(base: unknown, over: unknown, merging: Merging, place: RulePlace): unknown {
  if (!Array.isArray(base) || !Array.isArray(over)) return merging.fail("it has to be a list");
  const subnetOf = (pool: ComposeMap): string | undefined => (typeof pool.subnet === "string" ? merging.text(pool.subnet) : undefined);
  const pools: ComposeMap[] = [];
  const find = (subnet: string | undefined): number => pools.findIndex((pool) => subnetOf(pool) === subnet);
  for (const original of base) {
    const right = toPool(original, merging);
    for (const override of over) {
      const left = toPool(override, merging);
      const subnet = subnetOf(left);
      if (subnet !== subnetOf(right) && find(subnet) === -1) {
        pools.push(left);
        continue;
      }
      const merged = mergeMaps(right, left, place, merging);
      const index = find(subnetOf(merged));
      if (index === -1) pools.push(merged);
      else pools[index] = merged;
    }
  }
  return pools;
}

function toPool(value: unknown, merging: Merging): ComposeMap {
  return isMap(value) ? value : merging.fail("its items have to be maps");
}
