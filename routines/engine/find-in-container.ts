/** Which of some paths a container has: asked of its file system, so that nothing is run in it. */
import { type UseEngineOptions, useEngine } from "./_use-engine.ts";

export interface FindInContainerOptions extends UseEngineOptions {
  /** The container's id. */
  id: string;
  paths: readonly string[];
}

/** The first that is there; undefined where none is. */
export function findInContainer(options: FindInContainerOptions): Promise<string | undefined> {
  const { id, paths } = options;
  return useEngine(options, async (engine) => {
    for (const path of paths) {
      // it would give the file itself: whether it begins to is all there is to know
      const ended = new AbortController();
      const isThere = await engine.stream(`/containers/${id}/archive`, { path }, ended.signal).then(
        () => true,
        (error: { statusCode?: number }) => {
          if (error.statusCode === 404) return false;
          throw error;
        },
      );
      ended.abort();
      if (isThere) return path;
    }
    return undefined;
  });
}
