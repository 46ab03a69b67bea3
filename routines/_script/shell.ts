/** The one place that loads zx (50 ms, so only when it is asked for): other programs, quietly. */
import type { Shell } from "zx";

/** zx's `$`: arguments are quoted one by one, nothing is echoed, a non-zero exit throws. */
export async function shell(): Promise<Shell> {
  const { $ } = await import("zx");
  return $({ quiet: true });
}
