/** `$HARBOR_HOME`, where everything of the user's lives; `~/.harbor` by default. */
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** An empty `HARBOR_HOME` counts as unset; a relative one means the current directory's. */
export function findHome(env: Record<string, string | undefined>): string {
  const home = env.HARBOR_HOME;
  if (!home) return join(env.HOME || homedir(), ".harbor");
  return isAbsolute(home) ? home : resolve(home);
}
