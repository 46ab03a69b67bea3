#!/usr/bin/env bun
/**
 * The manual page of Harbor, mdoc(7), from the commands' own definitions and docs/exit-codes.md.
 *
 *   harbor routine render-manual > harbor.1
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "../_script/command.ts";
import { emitText } from "../_script/emit.ts";
import { HarborError } from "../_script/error.ts";
import { programRoot } from "../_script/program-root.ts";
import { programVersion } from "../_script/program-version.ts";
import { runScript } from "../_script/script.ts";
import { type CommandDescription, describeProgram, type OptionDescription, type ProgramDescription } from "./describe-commands.ts";

export interface ExitCode {
  code: number;
  meaning: string;
}

export interface RenderManualOptions {
  program: ProgramDescription;
  exitCodes: readonly ExitCode[];
  version: string;
  date: Date;
}

/** The table of docs/exit-codes.md. */
export function readExitCodes(page: string): ExitCode[] {
  const rows = [...page.matchAll(/^\| (\d+) \|[^|]*\| (.*) \|$/gm)];
  return rows.map(([, code, meaning = ""]) => ({ code: Number(code), meaning: meaning.replaceAll("`", "") }));
}

/** Lines of mdoc, one file. */
export function renderManual({ program, exitCodes, version, date }: RenderManualOptions): string {
  return [
    `.\\" Made from the definitions of Harbor's commands: harbor routine render-manual`,
    `.Dd ${date.toLocaleDateString("en-US", { year: "numeric", month: "long", day: "numeric", timeZone: "UTC" })}`,
    ".Dt HARBOR 1",
    ".Os",
    ".Sh NAME",
    ".Nm harbor",
    ".Nd run a local AI stack as one thing, whatever each part runs on",
    ".Sh SYNOPSIS",
    ".Nm",
    ".Ar command",
    ".Op Ar options",
    ".Op Ar words",
    ".Sh DESCRIPTION",
    ...DESCRIPTION,
    ".Pp",
    `This is version ${textLine(version)}.`,
    ".Ss Options of every command",
    ...renderOptions(program.options),
    ".Sh COMMANDS",
    ...program.commands.flatMap((it) => renderCommand(it, "harbor")),
    ".Sh ENVIRONMENT",
    ...renderTags(ENVIRONMENT.map(([name, meaning]) => [`Ev ${macroWord(name)}`, meaning])),
    ".Sh FILES",
    ...renderTags(FILES.map(([name, meaning]) => [`Pa ${macroWord(name)}`, meaning])),
    ".Sh EXIT STATUS",
    ...renderTags(exitCodes.map(({ code, meaning }) => [String(code), meaning])),
    ".Sh EXAMPLES",
    ".Bd -literal -offset indent",
    ...EXAMPLES.map(textLine),
    ".Ed",
    ".Sh SEE ALSO",
    ".Xr docker 1",
    "",
  ].join("\n");
}

const DESCRIPTION = [
  "A service runs in a container or natively, as a process on this host,",
  "which has the GPU directly.",
  "Containers reach a native service by its name, as if it were one of them.",
  "A",
  ".Em handle",
  "is a service's name;",
  ".Ql harbor ls",
  "lists them.",
  "The command may also stand after the services that it is about:",
  ".Ql harbor webui logs -f",
  "is",
  ".Ql harbor logs -f webui .",
  ".Pp",
  ".Ql harbor how",
  "and some words search this help and the documentation.",
];

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["HARBOR_HOME", "Where configuration, data and state are; ~/.harbor when it is not set."],
  ["HARBOR_OLLAMA_HOST_PORT", "And every other key of the configuration: it goes before config.env."],
  ["NO_COLOR", "Set to anything: without colours, on a terminal too."],
  ["DOCKER_HOST", "Which container engine, as for docker; DOCKER_CONTEXT likewise."],
];

const FILES: readonly (readonly [string, string])[] = [
  ["~/.harbor/config.env", "Your configuration: only what differs from the defaults."],
  ["~/.harbor/services/", "Service folders of your own."],
  ["~/.harbor/data/", "What services store."],
  ["~/.harbor/state/", "What runs: records, logs, sockets; gone after harbor down."],
];

const EXAMPLES = [
  "harbor up -x ollama webui",
  "harbor ps",
  "harbor logs -f ollama",
  "harbor config set ollama.runtime native",
  "harbor down",
];

/** A section for it, and one for each of its subcommands; stages are named only. */
function renderCommand(command: CommandDescription, before: string): string[] {
  const line = `${before} ${command.name}`;
  const isIndex = command.commands.length > MANY;
  return [
    `.Ss ${macroWords(line)}`,
    sentence(command.description),
    ...(command.commands.length === 0 ? renderSynopsis(command, line) : []),
    ...(command.words.length === 0 ? [] : renderTags(command.words.map((it) => [`Ar ${macroWord(it.name)}`, it.description]))),
    ...(command.options.length === 0 ? [] : renderOptions(command.options)),
    ...renderExamples(command.examples),
    ...(isIndex
      ? renderTags(command.commands.map((it) => [`Cm ${macroWord(it.name)}`, it.description]))
      : command.commands.flatMap((it) => renderCommand(it, line))),
  ];
}

/** Of so many subcommands a person looks at one by its own `--help`. */
const MANY = 20;

function renderSynopsis({ options, words, takesRest }: CommandDescription, line: string): string[] {
  const parts = words.map(({ name, isRequired, isMultiple }) => {
    const word = `${name}${isMultiple ? " ..." : ""}`;
    return isRequired ? word : `[${word}]`;
  });
  return [
    ".Pp",
    `.Dl ${macroWords([line, ...(options.length === 0 ? [] : ["[options]"]), ...parts, ...(takesRest ? ["[-- words ...]"] : [])].join(" "))}`,
  ];
}

function renderOptions(options: readonly OptionDescription[]): string[] {
  return renderTags(
    options.map(({ name, letter, hint, takesValue, isMultiple, description }) => {
      const value = takesValue ? ` Ar ${macroWord(hint ?? "value")}` : "";
      const short = letter === undefined ? "" : `Fl ${letter}${value} , `;
      return [`${short}Fl \\-${escapeText(name)}${value}`, `${description}${isMultiple ? "; may be given several times" : ""}`];
    }),
  );
}

function renderTags(items: readonly (readonly [string, string])[]): string[] {
  return [".Bl -tag -width Ds", ...items.flatMap(([tag, text]) => [`.It ${tag}`, sentence(text)]), ".El"];
}

function renderExamples(examples: readonly string[]): string[] {
  return examples.length === 0 ? [] : [".Bd -literal -offset indent", ...examples.map(textLine), ".Ed"];
}

/** With a full stop at its end; each sentence begins a line, as mdoc wants it, and none is long. */
function sentence(text: string): string {
  const whole = `${text}${/[.!?]$/.test(text) ? "" : "."}`.replace(/`([^`]*)`/g, "\u2018$1\u2019");
  const lines = whole.split(/(?<=[.!?]) +(?=[A-Z])/).flatMap(wrap);
  return lines.map((line) => textLine(line).replaceAll("\u2018", "\\(oq").replaceAll("\u2019", "\\(cq")).join("\n");
}

function wrap(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + word.length < WIDTH) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Less than a line of mdoc may be, with room for what is escaped. */
const WIDTH = 70;

/** One that begins like a macro is none. */
function textLine(text: string): string {
  const escaped = escapeText(text.trimEnd());
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** Dashes are options', to be copied into a shell. */
function escapeText(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replace(/(?<![A-Za-z])-/g, "\\-")
    .replaceAll("\n", " ");
}

function macroWords(text: string): string {
  return text.split(" ").map(macroWord).join(" ");
}

/** What would be a macro's name, or punctuation to one, is neither. */
function macroWord(word: string): string {
  const escaped = escapeText(word);
  const isCalled = /^[A-Z%][A-Za-z0-9]{1,2}$/.test(word) || /^[.,:;()[\]?!|]$/.test(word);
  return `${isCalled ? "\\&" : ""}${escaped.replaceAll('"', "\\(dq")}`;
}

function readPage(): string {
  const path = join(programRoot(), "docs/exit-codes.md");
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HarborError(`Cannot read "${path}": ${(cause as Error).message}`, { cause });
  }
}

export const command = defineCommand({
  meta: {
    name: "render-manual",
    description: "Print Harbor's manual page, for man",
    examples: ["harbor routine render-manual > harbor.1"],
  },
  args: {},
  async run({ verbs }) {
    const program = await describeProgram(verbs);
    emitText(renderManual({ program, exitCodes: readExitCodes(readPage()), version: programVersion(), date: new Date() }));
  },
});

if (import.meta.main) await runScript(command);
