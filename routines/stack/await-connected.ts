/** Waits for servers that stand in for services: nothing of Harbor's brings them up, so that a start can only say that they are not there. */
import { HarborError } from "../_script/error.ts";
import type { ConnectedSpec } from "../compose/make-plan.ts";
import { connectionVariable } from "../config/connection.ts";
import type { Values } from "../config/read-values.ts";
import { askServer, type ServerAnswer } from "./ask-server.ts";
import type { Progress } from "./progress.ts";

export interface AwaitConnectedOptions {
  specs: readonly ConnectedSpec[];
  values: Values;
  /** Whether it was part of the stack before and this call does not name it. */
  isBystander: (handle: string) => boolean;
  timeoutMs: number | undefined;
  signal: AbortSignal;
  progress: Progress;
}

/** It runs already, or is about to: somebody is starting it elsewhere. */
const PATIENCE_MS = 10_000;
const POLL_MS = 500;

/** Throws `timeout` for a server that does not answer in time, `failed` for one that is something else, `interrupted`. */
export async function awaitConnected(options: AwaitConnectedOptions): Promise<void> {
  await Promise.all(options.specs.map((spec) => awaitOne(spec, options)));
}

async function awaitOne(spec: ConnectedSpec, options: AwaitConnectedOptions): Promise<void> {
  const { values, isBystander, timeoutMs = PATIENCE_MS, signal, progress } = options;
  const { handle, url } = spec;
  const isAsked = !isBystander(handle);
  const token = values.get(connectionVariable(handle, "TOKEN")) ?? "";
  const deadline = performance.now() + (isAsked ? timeoutMs : 0);
  let answer = await askServer({ spec, token, signal });
  if (!answersFor(answer) && performance.now() < deadline) progress.say(handle, `waiting for ${url}`);
  while (!answersFor(answer) && !signal.aborted && performance.now() < deadline) {
    await Bun.sleep(POLL_MS);
    answer = await askServer({ spec, token, signal });
  }
  if (signal.aborted) throw new HarborError(`Cannot wait for "${handle}": interrupted`, { exit: "interrupted" });
  if (answersFor(answer)) {
    if (isAsked && answer.kind === "locked") progress.say(handle, `asks for a key: ${answer.what}`);
    return;
  }
  if (isAsked) throw whyNot(spec, answer, timeoutMs);
  progress.warn(`${handle} is connected to ${url}, and does not answer as it should: ${answer.what}`);
}

/** One that asks for a key is there: its users may have it. */
function answersFor({ kind }: ServerAnswer): boolean {
  return kind === "right" || kind === "locked";
}

function whyNot({ handle, url, question }: ConnectedSpec, { kind, what }: ServerAnswer, timeoutMs: number): HarborError {
  const local = `run it here: harbor disconnect ${handle} && harbor up ${handle}`;
  if (kind === "silent") {
    return new HarborError(`Cannot reach "${handle}" at ${url} within ${timeoutMs / 1000} s`, {
      exit: "timeout",
      details: [what],
      hint: `Start it there, or ${local}`,
    });
  }
  return new HarborError(`Cannot use what answers at ${url} as "${handle}"`, {
    details: [what, `It was asked because ${question.because}`],
    hint: `Say where it is now: harbor connect <url> --as ${handle}; or ${local}`,
  });
}
