/** What `harbor unexpose` and `harbor tunnel down` do: close what is named, or all of that kind, and say what it was. */
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { withLock } from "../_script/lock.ts";
import { findHome } from "../config/find-home.ts";
import { stateOf } from "../stack/read-stack.ts";
import { note } from "../stack/say.ts";
import { removeEmptyState } from "../stack/write-stack.ts";
import { checkHandle } from "../workspace/list-handles.ts";
import { endReach } from "./end-reach.ts";
import { listReach, type ReachRecord, type Way } from "./read-reach.ts";

export interface CloseReachOptions {
  way: Way;
  /** All when empty. */
  handles: readonly string[];
  json: boolean;
}

const OPEN = { expose: "exposed", tunnel: "open by a tunnel" } as const;

/** Throws `failed` for what is not open. */
export async function closeReach({ way, handles, json }: CloseReachOptions): Promise<void> {
  const { env } = process;
  const home = findHome(env);
  const open = listReach(home).filter((it) => it.way === way);
  for (const handle of handles) {
    checkHandle(handle);
    if (open.some((it) => it.handle === handle)) continue;
    throw new HarborError(`Cannot close "${handle}": it is not ${OPEN[way]}`, { hint: `\`harbor ${way} ls\` shows what is` });
  }
  const isMeant = (handle: string): boolean => handles.length === 0 || handles.includes(handle);
  const work = (): Promise<ReachRecord[]> => endReach({ home, env, isMeant, way });
  const closed = open.length === 0 ? [] : await withLock(stateOf(home).lock, work, { purpose: `harbor ${way}` });
  removeEmptyState(home);
  if (closed.length === 0 && !json) note(`nothing is ${OPEN[way]}`);
  const shown = closed.map(({ handle, url }) => ({ handle, url }));
  emit(shown, { json, render: (them) => them.map((it) => `${it.handle}: closed ${it.url}`).join("\n") });
}
