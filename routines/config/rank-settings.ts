/**
 * The settings of a program of ours: one table gives their names, types, defaults and help, and says by which option,
 * variable and key of a YAML file each is set. Command line before environment before file before default; every value
 * is told with where it came from, and one that cannot be right is an error that says where it stands.
 *
 *   const { values } = rankSettings(table, { args, env: process.env, file: "config.yml" });
 */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { ArgSpecs } from "../_script/command.ts";
import { parseDuration } from "../_script/duration.ts";
import { HarborError, type Place } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";
import { nearest } from "../_script/nearest.ts";
import { MASK, maskSecret } from "../_script/secret-name.ts";
import { locateYaml, parseYaml, RawScalar } from "../_script/yaml.ts";

type Env = Readonly<Record<string, string | undefined>>;

interface Common {
  /** One line, for the help. */
  description: string;
  /** The variable that sets it; an empty one counts as unset, as in compose files. */
  env?: string;
}

/** A folder or file; relative to the current folder, in a file to that file's. `~/` is the home directory. */
export interface PathSetting extends Common {
  type: "path";
  default: (env: Env) => string;
  /** The default in words. */
  shown: string;
}
export interface TextSetting extends Common {
  type: "text";
  default: string;
  /** Never shown. */
  isSecret?: true;
  /** What it has to look like, and that in words. */
  pattern?: { expression: RegExp; words: string };
}
export interface ListSetting extends Common {
  /** Of texts: an option that repeats, a variable with commas, a YAML list or text with commas. */
  type: "list";
  default: readonly string[];
}
export interface ChoiceSetting extends Common {
  type: "choice";
  choices: readonly string[];
  default: string;
}
export interface IntegerSetting extends Common {
  type: "integer";
  least: number;
  most: number;
  default: number;
}
/** `--name` where it is off by default, `--no-name` where it is on. */
export interface FlagSetting extends Common {
  type: "flag";
  default: boolean;
}
/** `90s`, `1m30s`; its value is in milliseconds. */
export interface DurationSetting extends Common {
  type: "duration";
  default: string;
}

export type SettingSpec = PathSetting | TextSetting | ListSetting | ChoiceSetting | IntegerSetting | FlagSetting | DurationSetting;
/** By name, as in a file: `stt_model`; the option is `--stt-model`. */
export type SettingsTable = Readonly<Record<string, SettingSpec>>;

type ValueOf<S extends SettingSpec> = S extends { type: "integer" | "duration" }
  ? number
  : S extends { type: "flag" }
    ? boolean
    : S extends { type: "list" }
      ? readonly string[]
      : string;
export type SettingValues<T extends SettingsTable> = { [K in keyof T]: ValueOf<T[K]> };

type Value = string | number | boolean | readonly string[];

export interface RankedSetting {
  name: string;
  /** As it counts; a duration as it was written, a secret masked. */
  value: Value;
  rank: "command line" | "environment" | "file" | "default";
  /** `--port`, `$HARBOR_X_PORT`, `config.yml:3`; empty for a default. */
  place: string;
  /** Where the file says it as well, and does not count: `config.yml:3`. */
  over?: string;
  /** The option and the variable that set it. */
  option: string;
  env: string | null;
  description: string;
}

export interface SettingSources {
  /** The command's arguments, as `settingArgs` describes them. */
  args: Readonly<Record<string, unknown>>;
  env: Env;
  /** The YAML file, where there is one. */
  file?: string;
}

/** Off by default: `--offline`; on by default: `--no-check`. */
function optionOf(name: string, spec: SettingSpec): string {
  const dashed = name.replaceAll("_", "-");
  return spec.type === "flag" && spec.default ? `no-${dashed}` : dashed;
}

/** The options of a command, for `defineCommand`; its help shows defaults and variables, too. */
export function settingArgs(table: SettingsTable): ArgSpecs {
  const entries = Object.entries(table).map(([name, spec]) => {
    const words = [spec.description, describeChoices(spec), describeDefault(spec), spec.env === undefined ? "" : `[$${spec.env}]`];
    const description = words.filter((it) => it !== "").join(" ");
    if (spec.type === "flag") return [optionOf(name, spec), { type: "boolean", description }] as const;
    const repeats = spec.type === "list" ? ({ multiple: true } as const) : {};
    return [optionOf(name, spec), { type: "string", description, valueHint: hintOf(spec), ...repeats }] as const;
  });
  return Object.fromEntries(entries);
}

function describeDefault(spec: SettingSpec): string {
  if (spec.type === "path") return `(default: ${spec.shown})`;
  if (spec.type === "flag") return spec.default ? "(default: on; this turns it off)" : "";
  const text = String(spec.default);
  return text === "" ? "" : `(default: ${text})`;
}

/** The help has a column as wide as the longest of all hints. */
const LONGEST_HINT = 16;

function describeChoices(spec: SettingSpec): string {
  return spec.type === "choice" && hintOf(spec) === spec.type ? `(one of ${spec.choices.join(", ")})` : "";
}

function hintOf(spec: SettingSpec): string {
  if (spec.type !== "choice") return spec.type;
  const choices = spec.choices.join("|");
  return choices.length > LONGEST_HINT ? spec.type : choices;
}

/** Throws `usage` for a value of the wrong type, an unknown key of the file, a file that cannot be read. */
export function rankSettings<const T extends SettingsTable>(
  table: T,
  sources: SettingSources,
): { values: SettingValues<T>; settings: RankedSetting[] } {
  const file = sources.file === undefined ? undefined : readFile(sources.file, table);
  const values: Record<string, Value> = {};
  const settings = Object.entries(table).map(([name, spec]): RankedSetting => {
    const given = findGiven(name, spec, sources, file);
    const value = given === undefined ? defaultOf(spec, sources.env) : convert(spec, given, { name, env: sources.env });
    values[name] = value;
    const { rank, place } = given ?? { rank: "default" as const, place: "" };
    const over = rank === "file" ? undefined : file?.find(name)?.place;
    return {
      name,
      value: spec.type === "duration" ? String(given?.value ?? spec.default) : shown(name, spec, value),
      rank,
      place,
      ...(over === undefined ? {} : { over }),
      option: `--${optionOf(name, spec)}`,
      env: spec.env ?? null,
      description: spec.description,
    };
  });
  return { values: values as SettingValues<T>, settings };
}

function shown(name: string, spec: SettingSpec, value: Value): Value {
  if (spec.type === "text" && spec.isSecret) return value === "" ? "" : MASK;
  if (typeof value === "string") return maskSecret(name, value);
  return typeof value === "object" ? value.map((it) => maskSecret(name, it)) : value;
}

interface Given {
  value: unknown;
  rank: RankedSetting["rank"];
  place: string;
  /** For an error about a value in a file. */
  at?: Place;
  /** What a relative path is relative to. */
  folder: string;
}

function findGiven(name: string, spec: SettingSpec, { args, env }: SettingSources, file: SettingsFile | undefined): Given | undefined {
  const option = optionOf(name, spec);
  const arg = args[option];
  const isGiven = Array.isArray(arg) ? arg.length > 0 : arg !== undefined && arg !== false;
  if (isGiven) {
    const value = spec.type === "flag" ? !spec.default : arg;
    return { value, rank: "command line", place: `--${option}`, folder: process.cwd() };
  }
  const variable = spec.env === undefined ? undefined : env[spec.env];
  if (variable !== undefined && variable !== "")
    return { value: variable, rank: "environment", place: `$${spec.env}`, folder: process.cwd() };
  return file?.find(name);
}

function defaultOf(spec: SettingSpec, env: Env): Value {
  if (spec.type === "path") return spec.default(env);
  return spec.type === "duration" ? (parseDuration(spec.default) ?? 0) : spec.default;
}

interface SettingsFile {
  find(name: string): Given | undefined;
}

function readFile(path: string, table: SettingsTable): SettingsFile {
  const text = readText(path);
  const content = parse(text, path) ?? {};
  const at = (key: string): Place => ({ file: path, ...locateYaml(text, [key]) });
  if (typeof content !== "object" || Array.isArray(content) || content instanceof RawScalar) {
    throw usage("it must hold settings, as `name: value`", "the file", { file: path, line: 1 });
  }
  const entries = new Map(Object.entries(content).map(([key, value]) => [key.replaceAll("-", "_"), { key, value }]));
  for (const [name, { key }] of entries) {
    if (Object.hasOwn(table, name)) continue;
    const guess = nearest(name, Object.keys(table));
    throw usage(`there is no such setting${guess === undefined ? "" : `; did you mean "${guess}"?`}`, key, at(key));
  }
  return {
    find(name) {
      const entry = entries.get(name);
      // nothing, as an empty variable
      if (entry === undefined || entry.value === null || entry.value === "") return undefined;
      const place = at(entry.key);
      const value = Array.isArray(entry.value) ? entry.value.map(plain) : plain(entry.value);
      return { value, rank: "file", place: `${path}:${place.line ?? 1}`, at: place, folder: dirname(resolve(path)) };
    },
  };
}

/** To whoever reads the exit code, a file that is no YAML is a wrong setting, too. */
function parse(text: string, path: string): unknown {
  try {
    return parseYaml(text, path);
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    const { message, hint, details, at = { file: path } } = error;
    throw new HarborError(message, { exit: "usage", at, details, cause: error, ...(hint === undefined ? {} : { hint }) });
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === "ENOENT";
    // the folder that it is relative to need not be the one that somebody has called it from
    const absent = isAbsolute(path) ? "there is no such file" : `there is no such file in ${process.cwd()}`;
    throw new HarborError(`Cannot read settings "${path}": ${isAbsent ? absent : (error as Error).message}`, {
      exit: "usage",
      cause: error,
    });
  }
}

/** As it was written: `3.10` is a text to us, though a number to YAML. */
function plain(value: unknown): unknown {
  return value instanceof RawScalar ? value.text : value;
}

function convert(spec: SettingSpec, given: Given, context: { name: string; env: Env }): Value {
  const refuse = (must: string): HarborError => {
    const isSecret = spec.type === "text" && spec.isSecret;
    const said = isSecret ? "" : `, not ${JSON.stringify(given.value)}`;
    const where = given.rank === "file" ? context.name : given.place;
    return usage(`it must be ${must}${said}`, where, given.at);
  };
  if (spec.type === "list") return toList(given.value, refuse);
  if (typeof given.value === "object") throw refuse("one value");
  const text = String(given.value);
  switch (spec.type) {
    case "path":
      return toPath(text, given.folder, context.env);
    case "text":
      if (spec.pattern !== undefined && !spec.pattern.expression.test(text)) throw refuse(spec.pattern.words);
      return text;
    case "choice":
      if (!spec.choices.includes(text)) throw refuse(`one of ${spec.choices.join(", ")}`);
      return text;
    case "integer":
      if (!/^-?\d+$/.test(text) || Number(text) < spec.least || Number(text) > spec.most) {
        throw refuse(`a whole number from ${spec.least} to ${spec.most}`);
      }
      return Number(text);
    case "flag":
      return toFlag(text, refuse);
    case "duration": {
      const milliseconds = parseDuration(text);
      if (milliseconds === undefined) throw refuse("a duration, such as 90s or 5m");
      return milliseconds;
    }
  }
}

function toList(value: unknown, refuse: (must: string) => HarborError): readonly string[] {
  const items = Array.isArray(value) ? value : String(value).split(",");
  if (typeof value === "object" && !Array.isArray(value)) throw refuse("a list");
  if (items.some((item) => typeof item === "object")) throw refuse("a list of texts");
  return items.map((item) => String(item).trim()).filter((item) => item !== "");
}

function toPath(text: string, folder: string, env: Env): string {
  // without a slash at its end: names are put behind it
  return resolve(text === "~" || text.startsWith("~/") ? join(homeDirectory(env), text.slice(1)) : resolve(folder, text));
}

/** The words that people write in environment files. */
function toFlag(text: string, refuse: (must: string) => HarborError): boolean {
  if (/^(?:1|true|yes|on)$/i.test(text)) return true;
  if (/^(?:0|false|no|off)$/i.test(text)) return false;
  throw refuse("true or false");
}

function usage(what: string, where: string, at: Place | undefined): HarborError {
  return new HarborError(`Cannot take "${where}": ${what}`, at === undefined ? { exit: "usage" } : { exit: "usage", at });
}
