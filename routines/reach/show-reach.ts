/** What is open, as `harbor expose ls` and `harbor tunnel ls` show it. */
import { emit } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { MASK } from "../_script/secret-name.ts";
import { table } from "../_script/table.ts";
import type { Env } from "../config/read-values.ts";
import { note, warn } from "../stack/say.ts";
import { readPassword } from "./_password.ts";
import { listReach, mayBeOpen, type ReachRecord, type Way } from "./read-reach.ts";

export interface EmitReachOptions {
  home: string;
  env: Env;
  way: Way;
  showsSecrets: boolean;
  json: boolean;
}

export interface ShownReach extends Pick<ReachRecord, "handle" | "url" | "target" | "user" | "startedAt"> {
  /** Null where nobody has to log in; masked unless it is asked for. */
  password: string | null;
  /** False where its containers or its program are gone, null where no engine says. */
  isOpen: boolean | null;
}

const NOTHING = {
  expose: "nothing is exposed; `harbor expose <handle>` opens a service to the local network",
  tunnel: "there is no tunnel; `harbor tunnel <handle>` opens one",
} as const;

export async function emitReach({ home, env, way, showsSecrets, json }: EmitReachOptions): Promise<void> {
  const records = listReach(home).filter((it) => it.way === way);
  const shown = await Promise.all(records.map((record) => show(record, { home, env, showsSecrets })));
  if (shown.length === 0 && !json) note(NOTHING[way]);
  emit(shown, {
    json,
    render: (them) =>
      them.length === 0 ? "" : table([["SERVICE", "URL", "LEADS TO", "USER", "PASSWORD", "OPEN"], ...them.map(row)]).join("\n"),
  });
  if (json) return;
  const gone = shown.filter(({ isOpen }) => isOpen === false).map(({ handle }) => handle);
  if (gone.length > 0) warn([`No longer open: ${gone.join(", ")}; \`harbor ${way} ${gone[0]}\` opens it again`]);
}

function row({ handle, url, target, user, password, isOpen }: ShownReach): string[] {
  return [handle, url, target, user ?? "nobody asks", password ?? "-", isOpen === null ? "?" : isOpen ? "yes" : "no"];
}

async function show(
  record: ReachRecord,
  { home, env, showsSecrets }: Pick<EmitReachOptions, "home" | "env" | "showsSecrets">,
): Promise<ShownReach> {
  const { handle, url, target, user, startedAt } = record;
  const password = user === null ? null : showsSecrets ? (readPassword(home, handle) ?? "") : MASK;
  return { handle, url, target, user, password, isOpen: mayBeOpen(record) && (await runs(record, home, env)), startedAt };
}

/** Whether all of its containers do. */
async function runs({ project }: ReachRecord, home: string, env: Env): Promise<boolean | null> {
  if (project === null) return true;
  try {
    const { listContainers } = await import("../engine/list-containers.ts");
    const containers = await listContainers({ home, env, project, details: false });
    return containers.length > 0 && containers.every(({ state }) => state === "running");
  } catch (error) {
    if (error instanceof HarborError) return null;
    throw error;
  }
}
