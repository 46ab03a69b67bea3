/** Whether a word names a signal of this system, like `SIGTERM`. `node:os`, which takes a while to load, is asked of the rare ones alone. */
const COMMON: readonly string[] = ["SIGTERM", "SIGINT", "SIGKILL", "SIGQUIT", "SIGHUP"];

export function isSignal(word: string): boolean {
  return COMMON.includes(word) || Object.hasOwn((require("node:os") as typeof import("node:os")).constants.signals, word);
}
