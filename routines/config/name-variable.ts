/** The two spellings of a configuration key: `HARBOR_OLLAMA_HOST_PORT`, and `ollama.host_port` for people. */

/** A name in capitals is taken as it is. */
export function variableOf(key: string): string {
  return /^[A-Z_][A-Z0-9_]*$/.test(key) ? key : `HARBOR_${key.toUpperCase().replace(/[.-]/g, "_")}`;
}

/** What `harbor open` opens instead of a service's URL. */
export function openUrlVariable(handle: string): string {
  return `${prefixOf(handle)}OPEN_URL`;
}

/** Which handle a variable is of: the longest that its name begins with. */
export function handleOf(variable: string, handles: Iterable<string>): string | undefined {
  let found: string | undefined;
  for (const handle of handles) {
    if (variable.startsWith(prefixOf(handle)) && handle.length > (found?.length ?? 0)) found = handle;
  }
  return found;
}

/** The spelling with a dot, where a variable has one. */
export function keyOf(variable: string, handles: Iterable<string>): string {
  if (!variable.startsWith("HARBOR_")) return variable;
  const handle = handleOf(variable, handles);
  if (handle !== undefined) return `${handle}.${variable.slice(prefixOf(handle).length).toLowerCase()}`;
  return variable.slice("HARBOR_".length).toLowerCase();
}

/** What all variables of a service begin with. */
export function prefixOf(handle: string): string {
  return `HARBOR_${handle.toUpperCase().replaceAll("-", "_")}_`;
}
