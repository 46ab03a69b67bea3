/**
 * Another program in our place, for as long as it runs: its streams are ours, what a terminal or another program signals
 * reaches it, and how it ends is handed on.
 */
import { readFileSync } from "node:fs";
import { HarborError } from "./error.ts";
import { isTerminal } from "./is-terminal.ts";

export interface HandOverOptions {
  /** The program by its path, then its words. */
  argv: readonly string[];
  cwd?: string;
  /** All of its environment. */
  env: Readonly<Record<string, string | undefined>>;
}

const FROM_KEYS = ["SIGINT", "SIGQUIT"] as const;
const FORWARDED = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** Its exit code; 128 and the signal's number where one ended it. Rejects with the system's error where it cannot be run. */
export async function handOver({ argv, cwd, env }: HandOverOptions): Promise<number> {
  let child: ReturnType<typeof spawnHere> | undefined;
  using _ = passSignals((name) => child?.kill(name));
  child = spawnHere(argv, cwd, env);
  await child.exited;
  if (child.exitCode !== null) return child.exitCode;
  const { constants } = await import("node:os");
  return 128 + (constants.signals[child.signalCode as NodeJS.Signals] ?? 0);
}

/** The same for a program that somebody has named, by its path or as PATH has it. Throws `missing` for one that is not there or cannot be run. */
export async function handOverToNamed(options: HandOverOptions): Promise<number> {
  return await handOver(options).catch((cause: NodeJS.ErrnoException) => {
    const { code, message } = cause;
    const why = code === "ENOENT" ? "there is no such program" : code === "EACCES" ? "it may not be executed" : message;
    throw new HarborError(`Cannot run "${options.argv[0] ?? ""}": ${why}`, { exit: "missing", cause });
  });
}

function spawnHere(argv: readonly string[], cwd: string | undefined, env: HandOverOptions["env"]) {
  const place = cwd === undefined ? {} : { cwd };
  return Bun.spawn([...argv], { ...place, env: { ...env }, stdin: "inherit", stdout: "inherit", stderr: "inherit" });
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
  if (process.platform !== "linux") return isTerminal(0);
  const stat = readFileSync("/proc/self/stat", "latin1");
  const [, , group, , , terminalGroup] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return group === terminalGroup;
}
