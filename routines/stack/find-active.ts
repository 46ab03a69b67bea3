/** Which services might write right now: for whoever reads or replaces what they store. */
import type { Env } from "../config/read-values.ts";
import { observeStack } from "./observe-stack.ts";
import type { StackRecord } from "./read-stack.ts";

export interface FindActiveOptions {
  home: string;
  env: Env;
  project: string;
  record: StackRecord | undefined;
  /** Of these; of all when left out. */
  handles?: readonly string[];
}

/** States in which nothing of it runs, nor comes to run by itself. */
const AT_REST = ["created", "exited", "dead", "stopped", "failed"];

/** Handles. One that sleeps is among them: whoever connects wakes it. Throws `missing` where containers are up and no engine answers. */
export async function findActive({ home, env, project, record, handles }: FindActiveOptions): Promise<string[]> {
  const { services } = await observeStack({ home, env, project, needsEngine: record?.hasContainers ?? false });
  const active = services.filter(({ state }) => !AT_REST.includes(state)).map(({ handle }) => handle);
  return [...new Set(active)].filter((handle) => handles?.includes(handle) ?? true);
}
