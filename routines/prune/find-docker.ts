/**
 * What the engine still has of our project: containers of services that are not up, networks that join nothing. Another
 * project's, and so another `HARBOR_HOME`'s, is never looked at.
 */
import type { Engine } from "../engine/connect-engine.ts";
import { listDead, listIdleNetworks, removeDead, removeNetwork } from "../engine/list-dead.ts";
import type { StackRecord } from "../stack/read-stack.ts";
import type { Leftover } from "./leftover.ts";

export interface FindDockerOptions {
  engine: Engine;
  project: string;
  record: StackRecord | undefined;
}

/** A stopped container of a service that is up stays: the next `harbor up` starts it. */
export async function findContainers({ engine, project, record }: FindDockerOptions): Promise<Leftover[]> {
  const dead = await listDead({ engine, project });
  const isLeft = ({ handle, isOneOff }: (typeof dead)[number]): boolean => isOneOff || record?.services.includes(handle) !== true;
  return dead.filter(isLeft).map(({ id, name, handle, isOneOff, bytes, status }) => ({
    kind: "containers",
    name,
    why: isOneOff ? `made for one command, which is over (${status})` : `"${handle}" is not up (${status})`,
    bytes,
    remove: () => removeDead({ engine, id }),
  }));
}

/** Those that no container of the project is in, running or stopped, but for those that go themselves. */
export async function findNetworks({ engine, project }: FindDockerOptions, leaving: readonly Leftover[]): Promise<Leftover[]> {
  const names = leaving.filter(({ kind }) => kind === "containers").map(({ name }) => name);
  const idle = await listIdleNetworks({ engine, project, leaving: names });
  return idle.map(({ id, name }) => ({
    kind: "networks",
    name,
    why: "no container is in it",
    bytes: null,
    remove: () => removeNetwork({ engine, id }),
  }));
}
