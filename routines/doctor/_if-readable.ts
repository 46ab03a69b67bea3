/** For facts that another check answers for: what cannot be read is left out. */
import { HarborError } from "../_script/error.ts";

/** Undefined where `work` throws a HarborError. */
export async function ifReadable<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HarborError) return undefined;
    throw error;
  }
}
