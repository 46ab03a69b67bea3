/** An image gone from the engine. */
import { type UseEngineOptions, useEngine } from "./_use-engine.ts";

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
