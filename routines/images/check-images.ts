/** Whether registries have another image under the names that services use; nothing is downloaded. */
import type { Engine } from "../engine/connect-engine.ts";
import { askRegistry, inspectImage } from "../engine/inspect-image.ts";
import type { PlannedImage } from "./plan-images.ts";

export interface CheckedImage extends PlannedImage {
  /** `newer`: the registry has another one under this name. `absent`: it is not here yet. `unknown`: nobody could say. */
  state: "current" | "newer" | "absent" | "built" | "unknown";
  /** As registries know it; null where it is not here, or only here. */
  here: string | null;
  /** What the registry has; null where it was not asked, or did not say. */
  there: string | null;
  /** Of one that nobody could say anything of. */
  why?: string;
}

export interface CheckImagesOptions {
  images: readonly PlannedImage[];
  engine: Engine;
  signal: AbortSignal;
}

/** In the order given. */
export function checkImages({ images, engine, signal }: CheckImagesOptions): Promise<CheckedImage[]> {
  return Promise.all(images.map((image) => checkImage(image, engine, signal)));
}

async function checkImage(planned: PlannedImage, engine: Engine, signal: AbortSignal): Promise<CheckedImage> {
  const { image, isBuilt } = planned;
  const held = await inspectImage({ engine, image, signal });
  const here = held?.digests[0] ?? null;
  if (isBuilt) return { ...planned, state: "built", here, there: null };
  // by its digest a name means one image for ever
  if (image.includes("@sha256:")) return { ...planned, state: held === undefined ? "absent" : "current", here, there: null };
  if (held === undefined) return { ...planned, state: "absent", here, there: null };
  const answer = await askRegistry({ engine, image, signal });
  if ("why" in answer) return { ...planned, state: "unknown", here, there: null, why: answer.why };
  return { ...planned, state: held.digests.includes(answer.digest) ? "current" : "newer", here, there: answer.digest };
}
