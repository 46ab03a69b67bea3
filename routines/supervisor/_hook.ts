/** A contract's pre_start or post_stop: a program that runs to its end beside the service, in its folder and environment. */
import { parseDuration } from "../_script/duration.ts";
import { findProgram } from "../native/find-program.ts";
import { openSpools } from "../native/keep-log.ts";
import { MARK } from "../native/session-members.ts";
import { environmentOf, type HookSpec, type NativeSpec } from "../native/start-process.ts";

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
  /** Kills it, and all that it started. */
  stop(): void;
}

export function runHook({ spec, hook, environment, mark, folder }: RunHookOptions): HookRun {
  const env = environmentOf({ spec, environment });
  const found = findProgram({ argv: hook.argv, cwd: spec.cwd, path: env.PATH ?? "" });
  if ("reason" in found) return failed(found.reason);
  try {
    return watch(spawn(found.argv, { cwd: spec.cwd, env: { ...env, [MARK]: mark } }, folder), hook);
  } catch (error) {
    return failed(`the system cannot run "${hook.argv[0]}" (${(error as Error).message})`);
  }
}

function failed(reason: string): HookRun {
  return { ended: Promise.resolve(reason), stop: () => undefined };
}

/** A session of its own, so that all of it can be killed. */
function spawn(argv: string[], options: { cwd: string; env: Record<string, string> }, folder: string) {
  using output = openSpools(folder);
  return Bun.spawn(argv, { ...options, detached: true, stdin: "ignore", stdout: output.out, stderr: output.err });
}

function watch(child: ReturnType<typeof spawn>, hook: HookSpec): HookRun {
  let reason: string | undefined;
  const kill = (why: string): void => {
    reason ??= why;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // it has just ended
    }
  };
  const timer = setTimeout(() => kill(`it did not end within ${hook.timeout}`), parseDuration(hook.timeout) ?? 0);
  const ended = child.exited.then((code) => {
    clearTimeout(timer);
    if (reason !== undefined || code === 0) return reason;
    return child.signalCode === null ? `exit code ${code}` : `ended by ${child.signalCode}`;
  });
  return { ended, stop: () => kill("it was cut short") };
}
