/** Where interpreters of a host stand, by the files there: none is run. Shims (of pyenv, asdf, mise) are none: they run whatever is set just then, and fail where nothing is. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { homeDirectory } from "../_script/home-directory.ts";
import { askProgram } from "./_ask-program.ts";
import { toolEnvironment } from "./_tool-environment.ts";

export type PythonSource = "uv" | "pyenv" | "homebrew" | "system" | "path" | "given";

export interface PythonPlace {
  /** As it was found: through a link that a package manager keeps current, rather than where that points today. */
  path: string;
  realPath: string;
  source: PythonSource;
  /** Its folder is that of a virtual environment. */
  isVenv: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const NAME = /^python(3(\.\d+)?t?)?$/;
const BREW_FOLDERS = ["/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin", "/usr/local/bin"];
const UV_TIMEOUT_MS = 5_000;

/** Each interpreter once, in the order of PATH, then of the tools that keep several. */
export async function findPlaces(env: Environment): Promise<PythonPlace[]> {
  const folders = [...pathFolders(env), ...BREW_FOLDERS, "/usr/bin"];
  const onPath = [...new Set(folders)].flatMap((folder) => interpretersIn(folder));
  const kept = [...pyenvPlaces(env), ...(await uvPlaces(env)), ...frameworkPlaces()];
  const places = new Map<string, PythonPlace>();
  for (const path of [...onPath, ...kept]) {
    const place = describePlace(path, env);
    if (place === undefined) continue;
    const key = place.isVenv ? place.path : place.realPath;
    if (!places.has(key)) places.set(key, place);
  }
  return [...places.values()];
}

/** Undefined where there is no such file. `source` when it is known. */
export function describePlace(path: string, env: Environment, source?: PythonSource): PythonPlace | undefined {
  try {
    const realPath = realpathSync(path);
    const isVenv = existsSync(join(dirname(dirname(path)), "pyvenv.cfg"));
    return { path, realPath, source: source ?? sourceOf(path, realPath, env), isVenv };
  } catch {
    return undefined; // a link to an interpreter that was removed
  }
}

function sourceOf(path: string, realPath: string, env: Environment): PythonSource {
  const isIn = (folder: string): boolean => [path, realPath].some((it) => it.startsWith(`${folder}/`));
  if (isIn(uvFolder(env)) || realPath.includes("/uv/python/")) return "uv";
  if (isIn(join(pyenvRoot(env), "versions"))) return "pyenv";
  if (realPath.includes("/Cellar/") || isIn("/opt/homebrew")) return "homebrew";
  if (isIn("/usr/bin") || isIn("/bin") || isIn("/Library") || isIn("/System") || isIn("/Applications")) return "system";
  return "path";
}

function pathFolders(env: Environment): string[] {
  // an empty or relative entry means the current folder: whatever a project keeps there is not this host's
  return (env.PATH ?? "").split(":").filter((folder) => folder.startsWith("/") && !/\/shims\/?$/.test(folder));
}

/** Those with a version in their name first: a link of that name stays with its version. */
function interpretersIn(folder: string): string[] {
  const names = list(folder).filter((name) => NAME.test(name));
  return names.sort((one, other) => other.length - one.length || (one < other ? -1 : 1)).map((name) => join(folder, name));
}

function pyenvRoot(env: Environment): string {
  return resolve(env.PYENV_ROOT || join(homeDirectory(env), ".pyenv"));
}

function pyenvPlaces(env: Environment): string[] {
  const versions = join(pyenvRoot(env), "versions");
  return list(versions).flatMap((name) => firstOf(join(versions, name, "bin")));
}

function uvFolder(env: Environment): string {
  return resolve(env.UV_PYTHON_INSTALL_DIR || join(env.XDG_DATA_HOME || join(homeDirectory(env), ".local/share"), "uv/python"));
}

/** As uv lists them; where it does not answer, as its folder does. */
async function uvPlaces(env: Environment): Promise<string[]> {
  const uv = Bun.which("uv", { PATH: env.PATH ?? "" });
  const words = ["python", "list", "--only-installed", "--output-format", "json"];
  const listed =
    uv === null
      ? undefined
      : readUvList((await askProgram([uv, ...words], { env: toolEnvironment(env), timeoutMs: UV_TIMEOUT_MS })).stdout);
  const folder = uvFolder(env);
  return listed ?? list(folder).flatMap((name) => firstOf(join(folder, name, "bin")));
}

function readUvList(text: string): string[] | undefined {
  try {
    const entries = JSON.parse(text) as { path?: string | null }[];
    return entries.flatMap(({ path }) => (typeof path === "string" && path.startsWith("/") && !path.includes("/shims/") ? [path] : []));
  } catch {
    return undefined; // a uv before 0.5 prints no JSON
  }
}

function frameworkPlaces(): string[] {
  const versions = "/Library/Frameworks/Python.framework/Versions";
  return list(versions).flatMap((name) => firstOf(join(versions, name, "bin")));
}

/** One folder of a tool holds one interpreter under several names. */
function firstOf(folder: string): string[] {
  const path = ["python3", "python"].map((name) => join(folder, name)).find((it) => existsSync(it));
  return path === undefined ? [] : [path];
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
