/**
 * A table of commands → the one a person typed. Each is imported only when it is called; the overview,
 * which names them all, imports all.
 */
import type { Command, CommandTable } from "./command.ts";
import { writeAll } from "./emit.ts";
import { HarborError } from "./error.ts";
import { listCommands } from "./list-commands.ts";
import { nearest } from "./nearest.ts";
import { reportError, runScript } from "./script.ts";

export type { CommandTable } from "./command.ts";

/** Runs the command that the first word names; `harbor webui up` is taken for `harbor up webui`. */
export async function dispatch(table: CommandTable, argv: readonly string[]): Promise<void> {
  const [word, ...rest] = reorder(table, argv);
  if (word === "--version" || word === "-v") return runNamed(table, ["version", ...rest], "harbor");
  if (word === "help" && rest[0] !== undefined) return runNamed(table, [rest[0], "--help"], "harbor");
  if (word === undefined || word === "help" || word === "--help" || word === "-h") {
    writeAll(1, await renderOverview(table));
    return;
  }
  return runNamed(table, [word, ...rest], "harbor");
}

/** Runs the command of a table that the first word names; lists the table when there is none. */
export async function runNamed(table: CommandTable, argv: readonly string[], program: string): Promise<void> {
  const [name, ...rest] = argv;
  if (name === undefined) return writeAll(1, `${(await listCommands(table)).join("\n")}\n`);
  const load = Object.hasOwn(table, name) ? table[name] : undefined;
  if (load === undefined) return reportError(unknownCommand(name, table, program), { json: rest.includes("--json") });
  const { command } = (await load()) as { command: Command };
  await runScript(command, { argv: rest, program: `${program} ${name}` });
}

/**
 * A verb about one service: `harbor env <handle> set …` as much as `harbor env set <handle> …`. Without a word of the table
 * it is `ls`.
 */
export function runForHandle(table: CommandTable, argv: readonly string[], program: string): Promise<void> {
  const [first, second, ...rest] = argv;
  const isWord = (word: string | undefined): boolean => word !== undefined && Object.hasOwn(table, word);
  const isHandle = first !== undefined && !first.startsWith("-") && !isWord(first);
  // a second word that is none of the table's is a slip to be told of
  if (isHandle && second !== undefined && !second.startsWith("-")) return runNamed(table, [second, first, ...rest], program);
  return runNamed(table, isWord(first) ? argv : ["ls", ...argv], program);
}

function reorder(table: CommandTable, argv: readonly string[]): readonly string[] {
  const [first, second, ...rest] = argv;
  const isSwapped =
    first !== undefined && second !== undefined && !first.startsWith("-") && !(first in table) && Object.hasOwn(table, second);
  return isSwapped && first !== "help" ? [second, first, ...rest] : argv;
}

function unknownCommand(word: string, table: CommandTable, program: string): HarborError {
  const guess = nearest(word, Object.keys(table));
  const hint =
    program === "harbor"
      ? "Run `harbor help` to see them all; to start a service, `harbor up <handle>`"
      : `Run \`${program} --help\` to see them all`;
  return new HarborError(
    `Cannot run "${program} ${word}": there is no such command${guess === undefined ? "" : `; did you mean "${guess}"?`}`,
    {
      exit: "usage",
      hint,
    },
  );
}

async function renderOverview(table: CommandTable): Promise<string> {
  return [
    "Run a local AI stack as one thing, whatever each part runs on.",
    "",
    "USAGE  harbor <command> [options]",
    "",
    ...(await listCommands(table)),
    "",
    "EXAMPLES",
    "",
    "  harbor up                     Start the built-in mock model server, on any machine",
    "  harbor up -x ollama webui     Ollama as a process on this host, Open WebUI in a container, wired",
    "  harbor plan --explain webui   Show what would run, and why",
    "  harbor down                   Stop everything",
    "",
    "Run `harbor <command> --help` for its options.",
    "",
  ].join("\n");
}
