/** Waits until a front answers as it should: it asks strangers for a password, and lets in who has it. */

import { HarborError } from "../_script/error.ts";
import { exceptFromProxy } from "../_script/except-from-proxy.ts";
import type { Progress } from "../stack/progress.ts";

export interface AwaitFrontOptions {
  handle: string;
  url: string;
  password: string;
  readLogs: () => Promise<string>;
  signal: AbortSignal;
  progress: Progress;
}

const PATIENCE_MS = 15_000;
const ATTEMPT_MS = 3_000;
const POLL_MS = 100;
/** Between looks at what it says. */
const LOOK_MS = 1_000;

/** Throws `failed` with what the front itself says, `interrupted`. That the service behind it does not answer is worth a word. */
export async function awaitFront(options: AwaitFrontOptions): Promise<void> {
  const { handle, url, password, readLogs, progress } = options;
  exceptFromProxy(new URL(url).hostname);
  const stranger = await awaitStranger(options);
  const known = stranger === 401 ? await statusOf(url, { authorization: `Bearer ${password}` }) : undefined;
  if (known === 502 || known === 503) progress.warn(`${handle} does not answer its front (${known}): who logs in gets no more than that`);
  if (stranger === 401 && known !== 401) return;
  const details = lastLines(await readLogs().catch(() => ""));
  const failed = (why: string, hint?: string): HarborError =>
    new HarborError(`Cannot open "${handle}" at ${url}: ${why}`, { details, ...(hint === undefined ? {} : { hint }) });
  if (stranger === undefined) throw failed("its front does not answer");
  if (stranger === 401) throw failed("it does not take its own password");
  throw failed(`it let in a stranger (${stranger})`, "Something else answers there, or this is a bug in Harbor: report it");
}

/** How it answers who brings nothing; undefined where it does not in time, or has said that it will not. */
async function awaitStranger({ handle, url, readLogs, signal }: AwaitFrontOptions): Promise<number | undefined> {
  const deadline = performance.now() + PATIENCE_MS;
  let nextLook = performance.now() + LOOK_MS;
  while (performance.now() < deadline) {
    if (signal.aborted) throw new HarborError(`Cannot open "${handle}": interrupted`, { exit: "interrupted" });
    const status = await statusOf(url, {});
    if (status !== undefined) return status;
    if (performance.now() >= nextLook) {
      if ((await readLogs().catch(() => "")).includes("[ALERT]")) return undefined;
      nextLook = performance.now() + LOOK_MS;
    }
    await Bun.sleep(POLL_MS);
  }
  return undefined;
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
