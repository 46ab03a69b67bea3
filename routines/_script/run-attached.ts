/**
 * Another program in our place for a while: its streams are ours, what a terminal or another program signals reaches it, and
 * how it ends is handed on.
 */
import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { HarborError } from "./error.ts";

const FROM_KEYS = ["SIGINT", "SIGQUIT"] as const;
const FORWARDED = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** Its exit code; 128 and the signal's number where one ended it. Throws what `start` throws. */
export async function runAttached(start: () => Bun.Subprocess): Promise<number> {
  let child: Bun.Subprocess | undefined;
  using _ = passSignals((name) => child?.kill(name));
  child = start();
  await child.exited;
  if (child.exitCode !== null) return child.exitCode;
  const { constants } = await import("node:os");
  return 128 + (constants.signals[child.signalCode as NodeJS.Signals] ?? 0);
}

export interface StartAttachedOptions {
  /** The program, by its path or as PATH has it, and its words. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  cwd?: string;
}

/** A program with our streams. Throws `missing` for one that is not there or cannot be run. */
export function startAttached({ argv, env, cwd }: StartAttachedOptions): Bun.Subprocess {
  const [program = ""] = argv;
  const options = { env: { ...env }, stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;
  try {
    return Bun.spawn([...argv], cwd === undefined ? options : { ...options, cwd });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such program" : code === "EACCES" ? "it may not be executed" : message;
    throw new HarborError(`Cannot run "${program}": ${why}`, { exit: "missing", cause });
  }
}

/** Until disposed of, none of them ends us: whoever called waits for the program. */
function passSignals(send: (name: NodeJS.Signals) => void): Disposable {
  const pass = (name: NodeJS.Signals): void => {
    const isSent = FROM_KEYS.some((key) => key === name) && isForeground();
    if (!isSent) send(name);
  };
  const names = [...FROM_KEYS, ...FORWARDED];
  for (const name of names) process.on(name, pass);
  return {
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, pass);
    },
  };
}

/** Whether a terminal's keys signal our whole group, and with it the program: to pass them on would count them twice. */
function isForeground(): boolean {
  if (process.platform !== "linux") return isatty(0);
  const stat = readFileSync("/proc/self/stat", "latin1");
  const [, , group, , , terminalGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group === terminalGroup;
}
