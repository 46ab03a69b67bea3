/** A container that was made for one command is gone with it, also where compose was killed before it could see to that. */
import { type UseEngineOptions, useEngine } from "./_use-engine.ts";

/** Not there is fine. */
export function removeOneOff(options: UseEngineOptions & { name: string }): Promise<void> {
  return useEngine(options, async ({ api }) => {
    const container = api.getContainer(options.name);
    await container.remove({ force: true, v: true }).catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
    });
  });
}
