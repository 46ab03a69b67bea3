/** What Harbor knows of a coding tool: how it is called, which interface of a model server it speaks, how it is pointed at one. */

/** Interfaces of model servers, by the words of `provides` in a service's definition. */
export const APIS = ["openai-api", "openai-responses", "anthropic-api", "gemini-api"] as const;
export type Api = (typeof APIS)[number];

/** As people know them, to follow "speaks". */
export const API_NAMES: Readonly<Record<Api, string>> = {
  "openai-api": "OpenAI's Chat Completions",
  "openai-responses": "OpenAI's Responses API",
  "anthropic-api": "Anthropic's Messages API",
  "gemini-api": "the Gemini API",
};

export interface Tool {
  /** What `harbor launch` takes; its folder's name too. */
  name: string;
  /** As its makers write it. */
  title: string;
  /** Other words for it. */
  aliases?: readonly string[];
  /** The program, as it is found on `PATH`. */
  program: string;
  /** A command that installs it. */
  install: string;
  /** What it can speak, the best first. */
  speaks: readonly [Api, ...Api[]];
  /** Where its makers say how it is pointed at a server. */
  docs: string;
  /** Pure: what it is to be given for a server and a model. */
  setUp(target: Target): Setup;
}

export interface Target {
  api: Api;
  /** Without a path: `http://127.0.0.1:33821`. */
  url: string;
  model: string;
  /** The server's key; a word of no meaning where it has none, since many tools insist on one. */
  key: string;
  /** Of the model, in tokens; undefined where the server does not say. */
  contextLength: number | undefined;
  /** The tool's own folder of Harbor's state; it exists only where there are files. */
  folder: string;
}

export interface Setup {
  /** On top of the user's environment. */
  env?: Readonly<Record<string, string>>;
  /** Taken out of it: what would lead elsewhere, and keys that are nobody else's business. */
  unset?: readonly string[];
  /** Before the user's own words; never a key, which every process of this host could read. */
  args?: readonly string[];
  /** Path in the folder → text, written anew each time; all else in there is the tool's and stays. */
  files?: Readonly<Record<string, string>>;
}

/** Carries the key to tools whose configuration names a variable for it. */
export const KEY_VARIABLE = "HARBOR_LAUNCH_API_KEY";

/** Given as the key of a server that has none. */
export const NO_KEY = "harbor";

/** For tools that want to know and a server that does not say: what most models of today take at least. */
export const ASSUMED_CONTEXT = 32_768;

/** A file's text; YAML's parsers read it as well. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
