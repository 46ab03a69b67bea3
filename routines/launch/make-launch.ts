/** A tool, a server and a model → everything the tool is given: words, variables, files. Pure; nothing is written. */
import { join } from "node:path";
import { bypassProxy } from "./bypass-proxy.ts";
import { NO_KEY, type Setup, type Target, type Tool } from "./tool.ts";

export interface Launch {
  tool: string;
  program: string;
  /** After the program; the user's own words last. */
  args: string[];
  env: Record<string, string>;
  /** Taken out of the environment. */
  unset: string[];
  /** Whole path → text. */
  files: Record<string, string>;
}

export interface MakeLaunchOptions {
  tool: Tool;
  /** Where the program is; its name where it is not installed. */
  program: string;
  target: Omit<Target, "key" | "folder">;
  /** The server's; empty where it has none. */
  key: string;
  /** `$HARBOR_HOME/state`. */
  stateDirectory: string;
  words: readonly string[];
  /** The user's own. */
  environment: Readonly<Record<string, string | undefined>>;
}

export function makeLaunch({ tool, program, target, key, stateDirectory, words, environment }: MakeLaunchOptions): Launch {
  const folder = join(stateDirectory, "launch", tool.name);
  const { env = {}, unset = [], args = [], files = {} }: Setup = tool.setUp({ ...target, key: key || NO_KEY, folder });
  return {
    tool: tool.name,
    program,
    args: [...args, ...words],
    env: { ...env, ...bypassProxy(target.url, environment) },
    unset: unset.filter((name) => environment[name] !== undefined && env[name] === undefined),
    files: Object.fromEntries(Object.entries(files).map(([path, text]) => [join(folder, path), text])),
  };
}
