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
      const source = interpolate(sourceOf(volume), values.get);
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

function sourceOf(volume: unknown): string {
  if (typeof volume === "object" && volume !== null) return String((volume as { source?: unknown }).source ?? "");
  const text = String(volume);
  // `${A:-./x}:/target`: the first colon outside braces ends the source
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === "{") depth++;
    else if (text[index] === "}") depth--;
    else if (text[index] === ":" && depth === 0) return text.slice(0, index);
  }
  return "";
}
