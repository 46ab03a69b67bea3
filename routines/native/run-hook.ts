/** A contract's pre_start or post_stop: a program that runs to its end beside the service, in its folder and environment. */
import { closeSync } from "node:fs";
import { parseDuration } from "../_script/duration.ts";
import { importEnvironment } from "./_harbor-imports.ts";
import type { NativeSpec } from "./_spec.ts";
import { openSpools } from "./_spools.ts";
import type { HookSpec } from "./_types.ts";
import { findProgram } from "./find-program.ts";
import { MARK } from "./session-members.ts";
import { environmentOf } from "./start-process.ts";

export interface RunHookOptions {
  spec: NativeSpec;
  hook: HookSpec;
  /** The host's part of the environment. */
  environment: Readonly<Record<string, string>>;
  /** Of the run that it belongs to: whatever it starts is ended with that. */
  mark: string;
  /** The service's own folder: what it writes goes to the service's log. */
  folder: string;
}

export interface HookRun {
  /** Undefined where it ended with 0, else what happened. Never rejects. */
  ended: Promise<string | undefined>;
  /** Which start this is, as the log counts them. */
  logRun?: number;
  /** Kills it, and all that it started. */
  stop(): void;
}

export function runHook({ spec, hook, environment, mark, folder }: RunHookOptions): HookRun {
  const env = environmentOf({ spec, environment });
  const found = findProgram({ argv: hook.argv, cwd: spec.cwd, path: env.PATH ?? "" });
  if ("reason" in found) return failed(found.reason);
  const spools = openSpools(folder);
  try {
    const imports = importEnvironment({ argv: hook.argv, env, folder });
    const child = spawn(found.argv, { cwd: spec.cwd, env: { ...env, ...imports, [MARK]: mark }, stdout: spools.out, stderr: spools.err });
    return { ...watch(child, hook), logRun: spools.run };
  } catch (error) {
    return failed(`the system cannot run "${hook.argv[0]}" (${(error as Error).message})`);
  } finally {
    closeSync(spools.out);
    closeSync(spools.err);
  }
}

function failed(reason: string): HookRun {
  return { ended: Promise.resolve(reason), stop: () => undefined };
}

/** A session of its own, so that all of it can be killed; it keeps nobody from leaving. */
function spawn(argv: string[], options: { cwd: string; env: Record<string, string>; stdout: number; stderr: number }) {
  const child = Bun.spawn(argv, { ...options, detached: true, stdin: "ignore" });
  child.unref();
  return child;
}

function watch(child: ReturnType<typeof spawn>, hook: HookSpec): HookRun {
  let reason: string | undefined;
  let isOver = false;
  const kill = (why: string): void => {
    // its number may be another's by now
    if (isOver || child.exitCode !== null || child.signalCode !== null) return;
    reason ??= why;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // it has just ended
    }
  };
  const timer = setTimeout(() => kill(`it did not end within ${hook.timeout}`), parseDuration(hook.timeout) ?? 0);
  timer.unref();
  const ended = child.exited.then((code) => {
    clearTimeout(timer);
    isOver = true;
    if (reason !== undefined || code === 0) return reason;
    return child.signalCode === null ? `exit code ${code}` : `ended by ${child.signalCode}`;
  });
  return { ended, stop: () => kill("it was cut short") };
}
