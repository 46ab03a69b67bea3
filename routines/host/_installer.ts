/** The commands of uv and of venv + pip. What holds a secret (an index with a password) goes by the environment or a private file: everybody sees the words of a command. */
import { join } from "node:path";
import { maskUrls } from "../_script/secret-name.ts";
import type { Tool } from "./_run-tool.ts";
import { toolEnvironment } from "./_tool-environment.ts";

export interface Installer {
  name: "uv" | "pip";
  /** uv itself; pip is a module of an interpreter. */
  program: string;
}

/** Where packages come from, beyond what the tools' own configuration says. */
export interface Index {
  url?: string | undefined;
  links?: readonly string[] | undefined;
  isOffline?: boolean | undefined;
  /** No index is asked, not even the configured one: packages come from the links. */
  isUnused?: boolean | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

export const PIP: Installer = { name: "pip", program: "" };

/** uv where it is there. */
export function chooseInstaller(env: Environment): Installer {
  const uv = Bun.which("uv", { PATH: env.PATH ?? "" });
  return uv === null ? PIP : { name: "uv", program: uv };
}

export interface CreateOptions {
  installer: Installer;
  /** A path, or with uv a version that it may fetch; undefined leaves the choice to it. */
  python: string | undefined;
  folder: string;
  isOffline: boolean;
  env: Environment;
}

/** One after the other. There is a record in the folder already. */
export function createTools({ installer, python, folder, isOffline, env }: CreateOptions): Tool[] {
  if (installer.name === "pip") return venvTools({ python: python ?? "python3", folder, env });
  const wanted = python === undefined ? [] : ["--python", python];
  const offline = isOffline ? ["--offline"] : [];
  return [{ argv: [installer.program, "venv", "--allow-existing", ...wanted, ...offline, folder], env: toolEnvironment(env) }];
}

/** pip by itself: where that fails within venv, what it said is lost. */
export function venvTools({ python, folder, env }: Pick<CreateOptions, "folder" | "env"> & { python: string }): Tool[] {
  const tools = toolEnvironment(env);
  return [
    { argv: [python, "-m", "venv", "--without-pip", folder], env: tools },
    { argv: [join(folder, "bin", "python"), "-m", "ensurepip", "--upgrade", "--default-pip"], env: tools },
  ];
}

export interface InstallOptions {
  installer: Installer;
  /** That of the environment. */
  python: string;
  requirements: readonly string[];
  index: Index;
  env: Environment;
  /** Writes requirements with secrets to a private file, and gives its path. */
  hide: (requirements: readonly string[]) => string;
}

export function installTool({ installer, python, requirements, index, env, hide }: InstallOptions): Tool {
  const words = requirementWords(requirements, hide);
  if (installer.name === "pip") return pipTool({ python, words: ["install", ...words], index, env });
  const offline = index.isOffline ? ["--offline"] : [];
  const { options, variables } = indexOptions(index, env, {
    url: ["UV_DEFAULT_INDEX", "UV_INDEX_URL"],
    links: "UV_FIND_LINKS",
    separator: ",",
  });
  return {
    argv: [installer.program, "pip", "install", "--python", python, ...offline, ...options, ...words],
    env: toolEnvironment(env),
    variables,
  };
}

/** For packages that are there: taken out. */
export function uninstallTool(
  { installer, python, env }: Pick<InstallOptions, "installer" | "python" | "env">,
  names: readonly string[],
): Tool {
  const argv =
    installer.name === "pip"
      ? [python, "-m", "pip", "uninstall", "--yes", ...names]
      : [installer.program, "pip", "uninstall", "--python", python, ...names];
  return { argv, env: toolEnvironment(env) };
}

/** As words of a command, those with secrets by a file. */
export function requirementWords(requirements: readonly string[], hide: InstallOptions["hide"]): string[] {
  const secret = requirements.filter(hasSecret);
  return [...requirements.filter((it) => !hasSecret(it)), ...(secret.length === 0 ? [] : ["-r", hide(secret)])];
}

export interface PipOptions {
  /** An interpreter that has pip. */
  python: string;
  /** The command first. */
  words: readonly string[];
  index: Index;
  env: Environment;
}

export function pipTool({ python, words: [command = "", ...words], index, env }: PipOptions): Tool {
  const { options, variables } = indexOptions(index, env, { url: ["PIP_INDEX_URL"], links: "PIP_FIND_LINKS", separator: " " });
  const offline = index.isOffline && !index.isUnused ? ["--no-index"] : [];
  return { argv: [python, "-m", "pip", command, ...offline, ...options, ...words], env: toolEnvironment(env), variables };
}

/** For pip where uv is what the user has set up: its variables as pip's, where pip's are not set. */
export function asPipEnvironment(env: Environment): Environment {
  const first = (names: readonly string[]): string | undefined =>
    names.map((name) => env[name]).find((value) => value !== undefined && value !== "");
  const more = first(["UV_INDEX", "UV_EXTRA_INDEX_URL"]);
  const said = {
    PIP_INDEX_URL: first(["UV_DEFAULT_INDEX", "UV_INDEX_URL"])?.replace(/^[\w-]+=/, ""),
    PIP_EXTRA_INDEX_URL: more?.replace(/(^|\s)[\w-]+=/g, "$1"),
    PIP_FIND_LINKS: env.UV_FIND_LINKS?.replaceAll(",", " "),
  };
  const missing = Object.entries(said).filter(([name, value]) => value !== undefined && env[name] === undefined);
  return { ...env, ...Object.fromEntries(missing) };
}

interface VariableNames {
  url: readonly string[];
  links: string;
  /** Between the entries of `links`. */
  separator: string;
}

function indexOptions(index: Index, env: Environment, names: VariableNames): { options: string[]; variables: Record<string, string> } {
  const options: string[] = [];
  const variables: Record<string, string> = {};
  const { url, links = [] } = index;
  // by an option: not every uv has a variable for it
  if (index.isUnused) options.push("--no-index");
  if (url !== undefined && !index.isOffline) {
    if (hasSecret(url)) for (const name of names.url) variables[name] = url;
    else options.push("--index-url", url);
  }
  for (const link of links) if (!hasSecret(link)) options.push("--find-links", link);
  const secret = links.filter(hasSecret);
  if (secret.length > 0) variables[names.links] = [env[names.links] ?? "", ...secret].filter((it) => it !== "").join(names.separator);
  return { options, variables };
}

function hasSecret(text: string): boolean {
  return maskUrls(text) !== text;
}
