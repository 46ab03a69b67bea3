/** `environment` of a service of the model, in both its spellings. */

/** As a map, `${…}` as written; undefined for a name without a value. */
export function readEnvironment(environment: unknown): Map<string, string | undefined> {
  const entries: [string, unknown][] = Array.isArray(environment)
    ? environment.map((item) => splitAssignment(String(item)))
    : Object.entries((environment ?? {}) as Record<string, unknown>);
  return new Map(entries.map(([name, value]) => [name, value === null || value === undefined ? undefined : String(value)]));
}

function splitAssignment(item: string): [string, string | undefined] {
  const equals = item.indexOf("=");
  return equals === -1 ? [item, undefined] : [item.slice(0, equals), item.slice(equals + 1)];
}
