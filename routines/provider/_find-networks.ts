/** The networks of a compose project, as the engine has them: by the names in the user's file, or by their own. */
import type { NetworkInspectInfo } from "dockerode";
import { HarborError } from "../_script/error.ts";
import type { Engine } from "../engine/connect-engine.ts";

export interface FindNetworksOptions {
  engine: Engine;
  project: string;
  /** All of the project when empty. */
  wanted: readonly string[];
  /** When the call began, as `performance.now()` counts. */
  startedAt: number;
  signal: AbortSignal;
}

/** Newer composes make networks while providers are called. */
const PATIENCE_MS = 2_000;
const POLL_MS = 50;

/** Their names, sorted; none where the project has none. Throws `unknown` for one that is named and not there. */
export async function findNetworks(options: FindNetworksOptions): Promise<string[]> {
  while (true) {
    const { names, missing } = await look(options);
    const isComplete = missing === undefined && names.length > 0;
    if (isComplete) return names.sort();
    if (performance.now() - options.startedAt > PATIENCE_MS) {
      if (missing !== undefined) throw missing;
      return [];
    }
    options.signal.throwIfAborted();
    await Bun.sleep(POLL_MS);
  }
}

type Network = Pick<NetworkInspectInfo, "Name" | "Labels">;

async function look({ engine, project, wanted, signal }: FindNetworksOptions): Promise<{ names: string[]; missing?: HarborError }> {
  const all = await engine.get<Network[]>("/networks", {}, signal);
  const own = all.filter(({ Labels: labels }) => labels?.["com.docker.compose.project"] === project);
  if (wanted.length === 0) return { names: own.map(({ Name: name }) => name) };
  const find = (name: string): Network | undefined =>
    own.find(({ Labels: labels }) => labels?.["com.docker.compose.network"] === name) ?? all.find(({ Name }) => Name === name);
  const names = wanted.flatMap((name) => find(name)?.Name ?? []);
  const absent = wanted.find((name) => find(name) === undefined);
  return absent === undefined ? { names } : { names, missing: notThere(absent, project, own) };
}

function notThere(name: string, project: string, own: readonly Network[]): HarborError {
  const known = own.map(({ Labels: labels }) => labels?.["com.docker.compose.network"] ?? "").filter((it) => it !== "");
  return new HarborError(`Cannot join network "${name}": compose project "${project}" has none of that name`, {
    exit: "unknown",
    hint: known.length === 0 ? "It has no networks at all" : `It has ${known.sort().join(", ")}`,
  });
}
