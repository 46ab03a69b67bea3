/**
 * Makes the folders that services store in: `${HARBOR_DATA}/<handle>` of native ones that name it, and what
 * containers mount from there. The engine would make a missing one
 * itself, as root's, and a service that runs as the user could not write to it.
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { interpolate } from "../compose/interpolate.ts";
import type { MadePlan } from "../compose/make-plan.ts";

/** Only below the data folder: whatever else is mounted is the user's own to make. Returns those that were not there. */
export function makeDataFolders({ plan, values }: MadePlan): string[] {
  const data = values.get("HARBOR_DATA");
  if (data === undefined) return [];
  const made: string[] = [];
  for (const { handle, argv, env } of plan.natives) {
    const own = join(data, handle);
    const isNamed = [...argv, ...Object.values(env)].some((text) => text === own || text.includes(`${own}/`));
    if (isNamed) made.push(...makeFolder(own));
  }
  for (const service of Object.values(plan.compose.services as Record<string, { volumes?: unknown }>)) {
    for (const volume of Array.isArray(service.volumes) ? (service.volumes as unknown[]) : []) {
      const source = sourceOf(volume, values);
      if (source.startsWith(`${data}/`)) made.push(...makeFolder(source));
    }
  }
  return made;
}

/** Each folder on the way that was not there. */
function makeFolder(path: string): string[] {
  const first = mkdirSync(path, { recursive: true });
  const made: string[] = [];
  for (let folder = path; first !== undefined && folder.length >= first.length; folder = dirname(folder)) made.push(folder);
  return made;
}

/** Of a volume in either syntax; empty where it has none. Compose too takes a short one apart once its values are in. */
function sourceOf(volume: unknown, { get }: MadePlan["values"]): string {
  if (typeof volume === "object" && volume !== null) return interpolate(String((volume as { source?: unknown }).source ?? ""), get);
  const text = interpolate(String(volume), get);
  return text.slice(0, Math.max(0, text.indexOf(":")));
}
