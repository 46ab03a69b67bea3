/**
 * How `docker compose` calls a provider: `compose --project-name=P up --option=value… SERVICE`, and what Harbor says of
 * the options that it takes.
 */
import { parseDuration } from "../_script/duration.ts";
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";

export const ACTIONS = ["up", "down", "stop", "metadata"] as const;
export type Action = (typeof ACTIONS)[number];

export interface ProviderCall {
  action: Action;
  /** The compose project, and the service in its file; empty for `metadata`. */
  project: string;
  service: string;
  /** As written in `options:`; a list has several values. */
  options: ReadonlyMap<string, readonly string[]>;
}

export interface ProviderOptions {
  /** The Harbor service. */
  handle: string;
  /** Whether that is named; else it is called as the compose service is. */
  isNamed: boolean;
  workspace: string | undefined;
  timeoutMs: number | undefined;
  /** Networks of the project; all of them when empty. */
  networks: readonly string[];
  /** Keys of the configuration as typed, each with its value. */
  config: readonly (readonly [string, string])[];
}

interface Parameter {
  name: string;
  description: string;
  required: false;
  type: "string";
}

const parameter = (name: string, description: string): Parameter => ({ name, description, required: false, type: "string" });

const OPTIONS: readonly Parameter[] = [
  parameter("service", "The Harbor service to run natively; the name of the compose service when left out"),
  parameter("workspace", "A workspace directory to find it in, beside the built-in services and those in HARBOR_HOME"),
  parameter("wait_timeout", "How long it may take to get ready, such as 90s or 10m; as its contract says when left out"),
  parameter("networks", "Networks of the project in which it is found, one or a list; all of them when left out"),
  parameter("config", "Configuration for it, one or a list of KEY=VALUE, such as ollama.host_port=11500"),
];

/**
 * What compose asks for before each call: an option that is not in it is not handed on. `stop` is in it so that newer
 * composes call that as well.
 */
export const METADATA = {
  description: "Services of Harbor that run natively, as processes of this host",
  up: { parameters: OPTIONS },
  down: { parameters: [] },
  stop: { parameters: [] },
};

/** Throws `usage` for words that are no call. */
export function readCall(words: readonly string[]): ProviderCall {
  const { options, names } = splitWords(words);
  const [typed = "", service = "", ...more] = names;
  const action = ACTIONS.find((it) => it === typed);
  if (action === undefined) throw notACall(typed === "" ? "it says nothing to do" : `there is no "${typed}"`);
  if (action === "metadata") return { action, project: "", service: "", options };
  const [project = ""] = options.get("project-name") ?? [];
  options.delete("project-name");
  if (project === "") throw notACall('it needs "--project-name"');
  if (service === "" || more.length > 0) throw notACall("it takes the name of one service");
  return { action, project, service, options };
}

/** `--option=value` and `--option value`, as older composes wrote the project's name. */
function splitWords(words: readonly string[]): { options: Map<string, string[]>; names: string[] } {
  const options = new Map<string, string[]>();
  const names: string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (!word.startsWith("-")) {
      names.push(word);
      continue;
    }
    const [, name = "", written] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const value = written ?? queue.shift();
    if (name === "" || value === undefined) throw notACall(`"${word}" is no option with a value`);
    options.set(name, [...(options.get(name) ?? []), value]);
  }
  return { options, names };
}

/** Throws `usage` for an option that there is not, or a value that cannot be right. */
export function readOptions({ service, options }: ProviderCall): ProviderOptions {
  const known = OPTIONS.map(({ name }) => name);
  for (const name of options.keys()) if (!known.includes(name)) throw unknownOption(service, name, known);
  const last = (name: string): string | undefined => options.get(name)?.at(-1) || undefined;
  const handle = last("service");
  return {
    handle: handle ?? service,
    isNamed: handle !== undefined,
    workspace: last("workspace"),
    timeoutMs: readTimeout(service, last("wait_timeout")),
    networks: (options.get("networks") ?? []).flatMap((text) => text.split(/[\s,]+/)).filter((name) => name !== ""),
    config: (options.get("config") ?? []).flatMap((text) => text.split("\n")).flatMap((line) => readSetting(service, line)),
  };
}

function readTimeout(service: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
  if (ms === undefined) throw badOption(service, `wait_timeout "${text}"`, "it is no duration", "Write it like 90s or 10m");
  return ms;
}

function readSetting(service: string, line: string): [string, string][] {
  const text = line.trim();
  if (text === "") return [];
  const at = text.indexOf("=");
  if (at < 1) throw badOption(service, `config "${text}"`, "it is not KEY=VALUE", "Write it like ollama.host_port=11500");
  return [[text.slice(0, at).trim(), text.slice(at + 1)]];
}

function unknownOption(service: string, name: string, known: readonly string[]): HarborError {
  const guess = nearest(name, known);
  const hint = /^[A-Z]/.test(name) ? `Write it under config: ["${name}=…"]` : `There are ${known.join(", ")}`;
  return badOption(
    service,
    `option "${name}"`,
    `there is none of that name${guess === undefined ? "" : `; did you mean "${guess}"?`}`,
    hint,
  );
}

function badOption(service: string, what: string, why: string, hint: string): HarborError {
  return new HarborError(`Cannot use ${what} of the compose service "${service}": ${why}`, { exit: "usage", hint });
}

function notACall(why: string): HarborError {
  return new HarborError(`Cannot answer docker compose: ${why}`, {
    exit: "usage",
    hint: "It calls `harbor compose --project-name=P up|down|stop SERVICE`; to start something yourself, `harbor up`",
  });
}
