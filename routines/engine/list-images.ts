/** The images that an engine has, and which of them containers are made of: anybody's, running or not. */
import type { ContainerInfo, ImageInfo } from "dockerode";
import { type UseEngineOptions, useEngine } from "./_use-engine.ts";

export interface StoredImage {
  id: string;
  /** `name:tag`. */
  tags: string[];
  /** `name@sha256:…`, for what came from a registry. */
  digests: string[];
  bytes: number;
  isUsed: boolean;
}

/** An image without any has `<none>` in its lists. */
const isNamed = (name: string): boolean => !name.startsWith("<none>");

export function listImages(options: UseEngineOptions): Promise<StoredImage[]> {
  return useEngine(options, async (engine) => {
    const [images, containers] = await Promise.all([
      engine.get<ImageInfo[]>("/images/json", {}),
      engine.get<ContainerInfo[]>("/containers/json", { all: true }),
    ]);
    const used = new Set(containers.map((it) => it.ImageID));
    return images.map(({ Id: id, RepoTags: tags, RepoDigests: digests, Size: bytes }) => ({
      id,
      tags: (tags ?? []).filter(isNamed),
      digests: (digests ?? []).filter((name) => isNamed(name)),
      bytes,
      isUsed: used.has(id),
    }));
  });
}

/** By its name, or by its id where it has none; never one that a container is made of. Gone already is fine. */
export function removeImage(options: UseEngineOptions & { name: string }): Promise<void> {
  return useEngine(options, async ({ api }) => {
    await api
      .getImage(options.name)
      .remove()
      .catch((error: { statusCode?: number }) => {
        if (error.statusCode !== 404) throw error;
      });
  });
}
