/**
 * Variables that a user gives one service alone, natively and in a container: `$HARBOR_HOME/env/<handle>.env`. They are the
 * program's own, `OLLAMA_DEBUG`, and no keys of Harbor's configuration; they go before whatever its files say.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "./parse-env.ts";

export interface ServiceVariables {
  file: string;
  values: ReadonlyMap<string, string>;
}

export function variablesFile(home: string, handle: string): string {
  return join(home, "env", `${handle}.env`);
}

/** Of one service; undefined where it has none. Throws with the line where the file cannot be read. */
export function readServiceVariables(home: string, handle: string): ServiceVariables | undefined {
  const file = variablesFile(home, handle);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const values = parseEnv(text, { file });
  return values.size === 0 ? undefined : { file, values };
}

/** Of those of the handles that have some; most homes have none at all, which costs one look. */
export function readAllVariables(home: string, handles: Iterable<string>): Map<string, ServiceVariables> {
  const found = new Map<string, ServiceVariables>();
  const files = new Set(listNames(join(home, "env")));
  if (files.size === 0) return found;
  for (const handle of handles) {
    const variables = files.has(`${handle}.env`) ? readServiceVariables(home, handle) : undefined;
    if (variables !== undefined) found.set(handle, variables);
  }
  return found;
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there
  }
}
