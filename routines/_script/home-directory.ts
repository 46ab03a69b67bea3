/** The user's own folder: an environment in, a path out. `node:os`, which takes a while to load, is asked only without `HOME`. */
export function homeDirectory(env: Record<string, string | undefined>): string {
  return env.HOME || (require("node:os") as typeof import("node:os")).homedir();
}
