/** Which services run on an image that is not the one of its name any more. */
import type { Engine } from "../engine/connect-engine.ts";
import { inspectImage } from "../engine/inspect-image.ts";
import { listContainers } from "../engine/list-containers.ts";
import type { PlannedImage } from "./plan-images.ts";

export interface FindStaleOptions {
  engine: Engine;
  project: string;
  images: readonly PlannedImage[];
  signal: AbortSignal;
}

/** Handles. Of a container whose service asks for another name by now, too. */
export async function findStale({ engine, project, images, signal }: FindStaleOptions): Promise<string[]> {
  const containers = await listContainers({ engine, project, details: false, signal });
  const stale = await Promise.all(
    images.map(async ({ handle, service, image }) => {
      const ids = containers.filter((it) => it.service === service && it.state === "running").map((it) => it.imageId);
      const held = ids.length === 0 ? undefined : await inspectImage({ engine, image, signal });
      return held !== undefined && ids.some((id) => id !== held.id) ? [handle] : [];
    }),
  );
  return [...new Set(stale.flat())];
}
