/** Waits until a front answers as it should: it asks strangers for a password, and lets in who has it. */

import { HarborError } from "../_script/error.ts";
import { exceptFromProxy } from "../_script/except-from-proxy.ts";

export interface AwaitFrontOptions {
  handle: string;
  url: string;
  password: string;
  readLogs: () => Promise<string>;
  signal: AbortSignal;
}

const PATIENCE_MS = 15_000;
const ATTEMPT_MS = 3_000;
const POLL_MS = 100;

/** Throws `failed` with what the front itself says, `interrupted`. */
export async function awaitFront({ handle, url, password, readLogs, signal }: AwaitFrontOptions): Promise<void> {
  exceptFromProxy(new URL(url).hostname);
  const deadline = performance.now() + PATIENCE_MS;
  let stranger: number | undefined;
  while (stranger === undefined && performance.now() < deadline) {
    if (signal.aborted) throw new HarborError(`Cannot open "${handle}": interrupted`, { exit: "interrupted" });
    stranger = await statusOf(url, {});
    if (stranger === undefined) await Bun.sleep(POLL_MS);
  }
  const details = async (): Promise<string[]> => lastLines(await readLogs().catch(() => ""));
  if (stranger === undefined)
    throw new HarborError(`Cannot open "${handle}" at ${url}: its front does not answer`, { details: await details() });
  if (stranger !== 401) {
    throw new HarborError(`Cannot open "${handle}" at ${url}: it let in a stranger (${stranger})`, {
      hint: "Something else answers there, or this is a bug in Harbor: report it",
      details: await details(),
    });
  }
  const known = await statusOf(url, { authorization: `Bearer ${password}` });
  if (known === 401)
    throw new HarborError(`Cannot open "${handle}" at ${url}: it does not take its own password`, { details: await details() });
}

/** What its certificate says is for its visitors to look at. */
async function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  try {
    const response = await fetch(url, {
      headers,
      tls: { rejectUnauthorized: false },
      redirect: "manual",
      keepalive: false,
      signal: AbortSignal.timeout(ATTEMPT_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return undefined;
  }
}

const SHOWN_LINES = 8;

function lastLines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .slice(-SHOWN_LINES);
}
