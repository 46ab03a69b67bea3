/**
 * Tables of commands → the one a person typed. Each is imported only when it is called; the overview,
 * which names them all, imports all.
 */
import type { Command, CommandTable } from "./command.ts";
import { takesService } from "./completes.ts";
import { writeAll } from "./emit.ts";
import { HarborError } from "./error.ts";
import { globalOf } from "./global-args.ts";
import { listCommands } from "./list-commands.ts";
import { nearest } from "./nearest.ts";
import { reportError, runScript } from "./script.ts";
import { subcommandOf, verbOf } from "./verb-aliases.ts";

export type { CommandTable } from "./command.ts";

/** By what `harbor help` puts above each table. */
export type CommandGroups = Readonly<Record<string, CommandTable>>;

/** What there is to say to words of which none is a verb: loaded only then. */
export type Explain = () => Promise<{ explainWords(words: readonly string[], verbs: CommandTable): Promise<HarborError> }>;

/** Runs the command that the first word names, or a later one after services: `harbor webui up` is `harbor up webui`. */
export async function dispatch(groups: CommandGroups, argv: readonly string[], explain?: Explain): Promise<void> {
  const verbs: CommandTable = Object.assign({}, ...Object.values(groups));
  const { globals, words } = splitGlobals(argv);
  const [word, ...rest] = words;
  const run = (line: readonly string[]): Promise<void> => runNamed(verbs, line, "harbor", verbs);
  if (word === "--version" || word === "-v") return run(["version", ...rest]);
  if (word === "help" && rest[0] !== undefined) return run([verbOf(rest[0], verbs) ?? rest[0], ...rest.slice(1), "--help"]);
  if (word === undefined || word === "help" || word === "--help" || word === "-h") {
    return reporting(async () => writeAll(1, await renderOverview(groups)));
  }
  const verb = verbOf(word, verbs);
  if (verb !== undefined) return run([verb, ...globals, ...rest]);
  const swapped = await putVerbFirst(verbs, words);
  if (swapped !== undefined) return run([...swapped.slice(0, 1), ...globals, ...swapped.slice(1)]);
  if (explain === undefined || word.startsWith("-")) return run(words);
  const { explainWords } = await explain();
  const error = await explainWords(words, verbs).catch((failure: unknown) => failure);
  reportError(error, { json: rest.includes("--json"), debug: globals.includes("--debug") });
}

/** Runs the command of a table that the first word names; lists the table when there is none. `verbs` is the whole program's. */
export async function runNamed(table: CommandTable, argv: readonly string[], program: string, verbs?: CommandTable): Promise<void> {
  const [name, ...rest] = argv;
  if (name === undefined) return reporting(async () => writeAll(1, `${(await listCommands(table)).join("\n")}\n`));
  const found = subcommandOf(name, table);
  const load = found === undefined ? undefined : table[found];
  if (load === undefined) return reportError(unknownCommand(name, table, program), { json: rest.includes("--json") });
  const { command } = (await load()) as { command: Command };
  await runScript(command, { argv: rest, program: `${program} ${found}`, verbs });
}

/** For what no command does. */
async function reporting(work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => reportError(error));
}

/** Options for every command may stand before its name. */
function splitGlobals(argv: readonly string[]): { globals: readonly string[]; words: readonly string[] } {
  const isHelp = (word: string): boolean => globalOf(word) === "help";
  const end = argv.findIndex((word) => globalOf(word) === undefined || isHelp(word));
  return end === -1 ? { globals: argv, words: [] } : { globals: argv.slice(0, end), words: argv.slice(end) };
}

/**
 * The word at a place before all that stand before it: a person may name the services first, at the start (`harbor webui up`) and
 * behind a verb that has subcommands (`harbor env webui set …`).
 */
function toFront(words: readonly string[], at: number): readonly string[] {
  return [...words.slice(at, at + 1), ...words.slice(0, at), ...words.slice(at + 1)];
}

/** Undefined where no verb follows, or one that is not about services: that is a word for the service's own program. */
async function putVerbFirst(verbs: CommandTable, words: readonly string[]): Promise<readonly string[] | undefined> {
  const at = words.findIndex((word) => word.startsWith("-") || verbOf(word, verbs) !== undefined);
  const verb = verbOf(words[at] ?? "", verbs);
  if (at < 1 || verb === undefined) return undefined;
  const { command } = (await (verbs[verb] as CommandTable[string])()) as { command: Command };
  if (!(await takesService(command))) return undefined;
  const [, ...rest] = toFront(words, at);
  const hasSubcommand = subcommandOf(rest[at] ?? "", command.commands ?? {}) !== undefined;
  return [verb, ...(hasSubcommand ? toFront(rest, at) : rest)];
}

/** Runs the subcommand of a verb about one service, which may stand before it; without a subcommand it is `ls`. */
export function runForHandle(table: CommandTable, argv: readonly string[], program: string): Promise<void> {
  const [first, second] = argv;
  const isWord = (word: string | undefined): boolean => word !== undefined && subcommandOf(word, table) !== undefined;
  const isHandle = first !== undefined && !first.startsWith("-") && !isWord(first);
  // a second word that is none of the table's is a slip to be told of
  if (isHandle && second !== undefined && !second.startsWith("-")) return runNamed(table, toFront(argv, 1), program);
  return runNamed(table, isWord(first) ? argv : ["ls", ...argv], program);
}

/**
 * Runs a subcommand of a verb that is also a service's name. Another word may be a verb about that service, which then stands before
 * it, as any service may.
 */
export async function runNamedOrAbout(
  handle: string,
  table: CommandTable,
  argv: readonly string[],
  verbs: CommandTable = {},
): Promise<void> {
  const program = `harbor ${handle}`;
  if (subcommandOf(argv[0] ?? "", table) !== undefined) return runNamed(table, argv, program, verbs);
  const { [handle]: _, ...others } = verbs;
  const swapped = await putVerbFirst(others, [handle, ...argv]);
  return swapped === undefined ? runNamed(table, argv, program, verbs) : runNamed(others, swapped, "harbor", verbs);
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

async function renderOverview(groups: CommandGroups): Promise<string> {
  const width = Math.max(...Object.values(groups).flatMap((table) => Object.keys(table).map((name) => name.length)));
  const sections = Object.entries(groups).map(async ([title, table]) => [
    title.toUpperCase(),
    "",
    ...(await listCommands(table, width)),
    "",
  ]);
  return [
    "Run a local AI stack as one thing, whatever each part runs on.",
    "",
    "USAGE  harbor <command> [options]",
    "",
    ...(await Promise.all(sections)).flat(),
    "EXAMPLES",
    "",
    "  harbor up                     Start the built-in mock model server, on any machine",
    "  harbor up -x ollama webui     Ollama as a process on this host, Open WebUI in a container, wired",
    "  harbor plan --explain webui   Show what would run, and why",
    "  harbor down                   Stop everything",
    "",
    "Run `harbor <command> --help` for its options, `harbor how <words>` to search help and documentation.",
    "",
  ].join("\n");
}
