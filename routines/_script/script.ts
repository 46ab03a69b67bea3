/**
 * Runs a command as a program: parses argv, shows help, turns what is thrown into one message on
 * stderr and an exit code. The only place that sets the process's exit code.
 */
import type { ArgSpecs, ArgValues, Command, CommandTable } from "./command.ts";
import { writeAll } from "./emit.ts";
import { EXIT, formatPlace, HarborError } from "./error.ts";
import { applyGlobals, globalArgs, globalOf, isDebugging } from "./global-args.ts";
import { tellOfChange } from "./on-change.ts";
import { type ParsedArgs, parseCommandArgs } from "./parse-args.ts";
import { printableLines } from "./printable.ts";

export interface RunScriptOptions {
  /** The words after the command; `process.argv` without the program when left out. */
  argv?: readonly string[];
  /** What a person types before the words: `harbor up`. */
  program?: string;
  /** The program's table, for commands that tell of others. */
  verbs?: CommandTable | undefined;
}

/** Runs it to its end; sets `process.exitCode`, never exits by itself, so output is never cut. */
export async function runScript<A extends ArgSpecs>(command: Command<A>, options: RunScriptOptions = {}): Promise<void> {
  const argv = options.argv ?? process.argv.slice(2);
  const program = options.program ?? `bun ${process.argv[1]}`;
  const own = ownWords(argv, command as unknown as Command);
  const { verbs } = options;
  const report = (error: unknown): void =>
    reportError(error, { debug: isDebugging() || own.includes("--debug"), json: own.includes("--json") });
  try {
    if (own.some((word) => globalOf(word) === "help")) {
      takeGlobals(argv, own.length);
      return await showHelp(command as unknown as Command, program);
    }
    if (command.passThrough) return await command.run({ args: {} as ArgValues<A>, rest: takeGlobals(argv, own.length), verbs });
    const parsed = parseOwn(argv, command, program);
    if (parsed === undefined) return await showHelp(command as unknown as Command, program);
    if (parsed.rest.length > 0 && !command.takesRest) refuseRest(parsed.rest, command.meta.name);
    const context: Context<A> = { ...parsed, verbs };
    await (command.changes ? runNoted(command, context, program, report) : command.run(context));
  } catch (error) {
    report(error);
  }
}

type Context<A extends ArgSpecs> = ParsedArgs<A> & { verbs: CommandTable | undefined };

/** Told of once it has ended, however that was; one that was refused has changed nothing. */
async function runNoted<A extends ArgSpecs>(
  command: Command<A>,
  context: Context<A>,
  program: string,
  report: (error: unknown) => void,
): Promise<void> {
  const startMs = performance.now();
  try {
    await command.run(context);
  } catch (error) {
    report(error);
  }
  const exit = Number(process.exitCode ?? 0);
  const args = context.args as Readonly<Record<string, unknown>>;
  const noted = typeof command.changes === "function" ? command.changes(args) : command.changes;
  const isUnderstood = exit !== EXIT.usage && exit !== EXIT.unknown && args["dry-run"] !== true;
  if (noted === undefined || !isUnderstood || (noted === "done" && exit !== 0)) return;
  await tellOfChange({ program, specs: command.args, args, rest: context.rest.length, exit, ms: Math.round(performance.now() - startMs) });
}

async function showHelp(command: Command, program: string): Promise<void> {
  const { renderHelp } = await import("./help.ts");
  writeAll(1, await renderHelp(command, program));
}

/** What every command takes is applied and left out of what it gets; undefined where help is asked for, as in `-fh`. */
function parseOwn<A extends ArgSpecs>(argv: readonly string[], command: Command<A>, program: string): ParsedArgs<A> | undefined {
  const { args, rest } = parseCommandArgs(argv, { ...globalArgs, ...command.args } as ArgSpecs, program, command.takesRest);
  applyGlobals(args);
  if (args.help) return undefined;
  return { args: Object.fromEntries(Object.keys(command.args).map((key) => [key, args[key]])) as ArgValues<A>, rest };
}

/** Of the first words of a command that hands words on. */
function takeGlobals(argv: readonly string[], count: number): string[] {
  return argv.filter((word, index) => {
    const key = index < count ? globalOf(word) : undefined;
    if (key === undefined || key === "help") return true;
    applyGlobals({ [key]: true });
    return false;
  });
}

/** For a command that ran another program: it ends as that one did. */
export function endWith(code: number): void {
  process.exitCode = code;
}

/** Of words that are handed on, those before the first that is neither an option nor its value are the command's own. */
function ownWords(argv: readonly string[], { args, passThrough }: Command): readonly string[] {
  let end = 0;
  while (end < argv.length && argv[end] !== "--") {
    const word = argv[end] ?? "";
    if (passThrough && !word.startsWith("-")) break;
    end += passThrough && takesNext(word, args) ? 2 : 1;
  }
  return argv.slice(0, end);
}

/** Whether the option's value is the word after it. */
function takesNext(word: string, specs: ArgSpecs): boolean {
  return Object.entries(specs).some(([key, spec]) => spec.type === "string" && (word === `--${key}` || word === `-${spec.alias}`));
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
  writeAll(2, `${options.json ? errorAsJson(error) : printableLines(errorAsText(error))}\n`);
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
