/**
 * A contract's program with a person's own arguments, in the service's environment and folder: its streams are ours,
 * what a terminal or another program signals reaches it, and how it ends is handed on.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isatty } from "node:tty";
import { importEnvironment } from "./_harbor-imports.ts";
import { requireFolder, requireProgram, unrunnable } from "./_require-program.ts";
import { buildEnvironment } from "./environment.ts";
import { isRunByBun } from "./find-program.ts";
import type { NativeSpec } from "./start-process.ts";

export interface RunProgramOptions {
  spec: Pick<NativeSpec, "handle" | "contract" | "argv" | "cwd" | "env" | "install">;
  /** Instead of the contract's own arguments. */
  words: readonly string[];
  /** Where the host's part of the environment comes from. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** What a program needs to write on a terminal; a service has none. */
const TERMINAL = ["TERM", "COLORTERM", "TERM_PROGRAM", "NO_COLOR", "COLUMNS", "LINES"];
const FROM_KEYS = ["SIGINT", "SIGQUIT"] as const;
const FORWARDED = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

/** Its exit code; 128 and the signal's number where one ended it. Throws `missing` as a start does. */
export async function runProgram({ spec, words, environment }: RunProgramOptions): Promise<number> {
  const terminal = Object.fromEntries(TERMINAL.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
  const env = { ...buildEnvironment(environment), ...terminal, ...spec.env };
  requireFolder(spec, "run");
  const argv = requireProgram({ spec, argv: [spec.argv[0] ?? "", ...words], path: env.PATH ?? "", action: "run" });
  using imports = scratchImports(spec.argv, env);
  let child: ReturnType<typeof spawnHere> | undefined;
  using _ = passSignals((name) => child?.kill(name));
  child = spawnHere(spec, argv, { ...env, ...imports.env });
  await child.exited;
  if (child.exitCode !== null) return child.exitCode;
  const { constants } = await import("node:os");
  return 128 + (constants.signals[child.signalCode as NodeJS.Signals] ?? 0);
}

/** What a program that runs as `bun` may import, by a folder that is gone once it has ended: the service may run as well. */
function scratchImports(argv: readonly string[], env: Readonly<Record<string, string>>): Disposable & { env: Record<string, string> } {
  if (!isRunByBun(argv[0])) return { env: {}, [Symbol.dispose]: () => undefined };
  const folder = mkdtempSync(join(env.TMPDIR || "/tmp", "harbor-run-"));
  return { env: importEnvironment({ argv, env, folder }), [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

function spawnHere(spec: RunProgramOptions["spec"], argv: string[], env: Record<string, string | undefined>) {
  try {
    return Bun.spawn(argv, { cwd: spec.cwd, env, stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  } catch (cause) {
    throw unrunnable(spec, argv[0] ?? "", cause as NodeJS.ErrnoException, "run");
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
