/**
 * Runs a command as a program: parses argv, shows help, turns what is thrown into one message on
 * stderr and an exit code. The only place that sets the process's exit code.
 */
import type { ArgSpecs, ArgValues, Command } from "./command.ts";
import { writeAll } from "./emit.ts";
import { EXIT, formatPlace, HarborError } from "./error.ts";
import { tellOfChange } from "./on-change.ts";
import { type ParsedArgs, parseCommandArgs } from "./parse-args.ts";

export interface RunScriptOptions {
  /** The words after the command; `process.argv` without the program when left out. */
  argv?: readonly string[];
  /** What a person types before the words: `harbor up`. */
  program?: string;
}

/** Runs it to its end; sets `process.exitCode`, never exits by itself, so output is never cut. */
export async function runScript<A extends ArgSpecs>(command: Command<A>, options: RunScriptOptions = {}): Promise<void> {
  const argv = options.argv ?? process.argv.slice(2);
  const program = options.program ?? `bun ${process.argv[1]}`;
  const own = ownWords(argv, command.passThrough === true);
  const report = (error: unknown): void => reportError(error, { debug: own.includes("--debug"), json: own.includes("--json") });
  try {
    const isHelp = (word: string | undefined): boolean => word === "--help" || word === "-h";
    if (command.passThrough ? isHelp(argv[0]) : own.some(isHelp)) {
      const { renderHelp } = await import("./help.ts");
      writeAll(1, await renderHelp(command as unknown as Command, program));
      return;
    }
    if (command.passThrough) return await command.run({ args: {} as ArgValues<A>, rest: [...argv] });
    const debugless = argv.filter((word, index) => !(word === "--debug" && index < own.length));
    const parsed = parseCommandArgs(debugless, command.args, program);
    if (parsed.rest.length > 0 && !command.takesRest) refuseRest(parsed.rest, command.meta.name);
    await (command.changes ? runNoted(command, parsed, program, report) : command.run(parsed));
  } catch (error) {
    report(error);
  }
}

/** Told of once it has ended, however that was; one that was refused has changed nothing. */
async function runNoted<A extends ArgSpecs>(
  command: Command<A>,
  parsed: ParsedArgs<A>,
  program: string,
  report: (error: unknown) => void,
): Promise<void> {
  const startMs = performance.now();
  try {
    await command.run(parsed);
  } catch (error) {
    report(error);
  }
  const exit = Number(process.exitCode ?? 0);
  const args = parsed.args as Readonly<Record<string, unknown>>;
  const noted = typeof command.changes === "function" ? command.changes(args) : command.changes;
  const isUnderstood = exit !== EXIT.usage && exit !== EXIT.unknown && args["dry-run"] !== true;
  if (noted === undefined || !isUnderstood || (noted === "done" && exit !== 0)) return;
  await tellOfChange({ program, specs: command.args, args, rest: parsed.rest.length, exit, ms: Math.round(performance.now() - startMs) });
}

/** For a command that ran another program: it ends as that one did. */
export function endWith(code: number): void {
  process.exitCode = code;
}

/** Of words that are handed on, those before the first that is no option are the command's own. */
function ownWords(argv: readonly string[], isPassing: boolean): readonly string[] {
  const end = argv.findIndex((word) => word === "--" || (isPassing && !word.startsWith("-")));
  return end === -1 ? argv : argv.slice(0, end);
}

function refuseRest(rest: readonly string[], name: string): never {
  throw new HarborError(`Cannot run "${name}": it takes no words after "--", such as "${rest[0]}"`, { exit: "usage" });
}

export interface ReportOptions {
  debug?: boolean;
  json?: boolean;
}

/** Words an error for stderr and sets the exit code. */
export function reportError(error: unknown, options: ReportOptions = {}): void {
  const known = error instanceof HarborError ? error : undefined;
  process.exitCode = known?.code ?? EXIT.failed;
  writeAll(2, `${options.json ? errorAsJson(error) : errorAsText(error)}\n`);
  if (options.debug && error instanceof Error) writeAll(2, `${stackOf(error)}\n`);
}

/** For a person; several lines where there are details. */
export function errorAsText(error: unknown): string {
  if (!(error instanceof HarborError)) {
    const message = error instanceof Error ? error.message : String(error);
    return `harbor: unexpected error: ${message}\n  This is a bug in Harbor; --debug shows where it happened`;
  }
  const place = error.at === undefined ? "" : `${formatPlace(error.at)}: `;
  const lines = [`harbor: ${place}${error.message}`];
  for (const detail of error.details) lines.push(`  ${detail}`);
  if (error.hint !== undefined) lines.push(`  ${error.hint}`);
  return lines.join("\n");
}

function errorAsJson(error: unknown): string {
  if (!(error instanceof HarborError))
    return JSON.stringify({
      error: { message: error instanceof Error ? error.message : String(error), exit: "failed", code: EXIT.failed, details: [] },
    });
  const { message, exit, code, hint, at, details } = error;
  return JSON.stringify({ error: { message, exit, code, hint, at, details } });
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}
