/** A wait that Ctrl-C ends. */
import { HarborError } from "./error.ts";

/** Throws `interrupted`, with what could not go on. */
export async function pause(ms: number, signal: AbortSignal | undefined, what: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const end = (): void => resolve();
  signal?.addEventListener("abort", end);
  if (signal?.aborted) resolve();
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", end);
  if (signal?.aborted) throw new HarborError(`Cannot ${what}: interrupted`, { exit: "interrupted" });
}
