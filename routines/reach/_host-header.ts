/** Whether a service answers to the name by which it is going to be called: some refuse names that could be made to point at them. */
import { exceptFromProxy } from "../_script/except-from-proxy.ts";
import type { Target } from "./_find-target.ts";

const TIMEOUT_MS = 3_000;
/** Forbidden, and misdirected. */
const REFUSED: readonly number[] = [403, 421];

/** What it has to be called instead; undefined where its own visitors' name will do, and where it says nothing. */
export async function neededHost({ url, host, port }: Target, name: string): Promise<string | undefined> {
  const own = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const [asked, known] = await Promise.all([statusOf(url, name), statusOf(url, own)]);
  return asked !== undefined && REFUSED.includes(asked) && known !== undefined && !REFUSED.includes(known) ? own : undefined;
}

async function statusOf(url: string, host: string): Promise<number | undefined> {
  exceptFromProxy(new URL(url).hostname);
  try {
    const response = await fetch(url, { headers: { host }, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS), keepalive: false });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}
