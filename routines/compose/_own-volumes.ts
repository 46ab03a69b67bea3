/** What the user mounts beside what the files do, `HARBOR_<SERVICE>_VOLUMES` → the services' volumes. */
import { HarborError } from "../_script/error.ts";
import type { Env, Values } from "../config/read-values.ts";
import { formatMount, isVolumeName, type Mount, readMount, splitMounts, volumesVariable } from "../config/service-volumes.ts";
import { parseVolume } from "./_parse-volume.ts";
import { escapeDollars, interpolate } from "./interpolate.ts";
import type { ComposeModel } from "./merge-compose.ts";

export interface AddVolumesOptions {
  /** Changed in place: the services that exist as containers, and `volumes` where a mount names one. */
  model: ComposeModel;
  /** Services that stand in for natives: a process sees the host's files as they are. */
  standIns: ReadonlySet<string>;
  values: Values;
  /** What a relative source means: the user's own folder. */
  home: string;
  env: Env;
}

/** A mount takes the place of the files' own at the same target, as in compose. Gives warnings. */
export function addVolumes({ model, standIns, values, home, env }: AddVolumesOptions): string[] {
  const warnings: string[] = [];
  for (const [name, service] of Object.entries((model.services ?? {}) as Record<string, Record<string, unknown>>)) {
    const variable = volumesVariable(name);
    const { value = "", origin = "" } = values.find(variable) ?? {};
    const items = splitMounts(value);
    if (items.length === 0) continue;
    if (standIns.has(name)) {
      warnings.push(`${variable} (${origin}) has no meaning while ${name} runs natively: a process sees the host's files as they are`);
      continue;
    }
    const mounts = items.map((item) => readConfigured(item, { variable, origin, home, env }));
    const targets = new Set(mounts.map(({ target }) => plain(target)));
    const others = asList(service.volumes).filter((it) => !targets.has(plain(targetOf(it, values))));
    service.volumes = [...others, ...mounts.map((mount) => escapeDollars(formatMount(mount)))];
    for (const mount of mounts) if (isVolumeName(mount)) declareVolume(model, mount.source);
  }
  return warnings;
}

interface Configured {
  variable: string;
  origin: string;
  home: string;
  env: Env;
}

function readConfigured(item: string, { variable, origin, home, env }: Configured): Mount {
  try {
    return readMount(item, { directory: home, env });
  } catch (cause) {
    if (!(cause instanceof HarborError)) throw cause;
    throw new HarborError(`${cause.message} (${variable}, ${origin})`, {
      exit: cause.exit,
      cause,
      ...(cause.hint ? { hint: cause.hint } : {}),
    });
  }
}

function asList(volumes: unknown): unknown[] {
  return Array.isArray(volumes) ? volumes : [];
}

function targetOf(volume: unknown, values: Values): string {
  const { target } = typeof volume === "string" ? (parseVolume(interpolate(volume, values.get)) ?? {}) : (volume as { target?: unknown });
  return target === undefined ? "" : interpolate(String(target), values.get);
}

function plain(target: string): string {
  return target.replace(/(?<=.)\/+$/, "");
}

function declareVolume(model: ComposeModel, name: string): void {
  const declared = (model.volumes ?? {}) as Record<string, unknown>;
  if (!Object.hasOwn(declared, name)) model.volumes = { ...declared, [name]: {} };
}
