/** A requirement as people write it for pip (PEP 508, a path, a URL) → what it names; nothing that an installer could take for an option passes. */
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { validRange } from "@renovatebot/pep440";
import { HarborError } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";

export interface Requirement {
  /** For an installer: paths are absolute. */
  text: string;
  /** As PEP 503 writes it; undefined for a bare path or URL. */
  name?: string;
  /** `[ui]`, or "". */
  extras: string;
  /** `==0.8.3`, or "". */
  specifier: string;
  /** `; python_version < "3.12"`, or "". */
  marker: string;
  /** An absolute path or a URL, where it says where the package is. */
  location?: string;
}

const NAME = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";
const NAMED = new RegExp(`^(${NAME})\\s*(\\[[^\\]]*\\])?\\s*([^;@]*?)\\s*(;.*)?$`);
const DIRECT = new RegExp(`^(${NAME})\\s*(\\[[^\\]]*\\])?\\s*@\\s*(\\S.*?)(\\s+;.*)?$`);
const URL_START = /^(?:[a-z]+\+)?(?:https?|ssh|git|file):\/\//i;
const ARCHIVE = /\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$/;

/** Throws `usage` for what is none. */
export function parseRequirement(given: string, env: Readonly<Record<string, string | undefined>>): Requirement {
  const text = given.trim();
  refuseOptions(text);
  const direct = DIRECT.exec(text);
  if (direct !== null && !isPath(text)) return readDirect(direct, env);
  if (text.startsWith("file://")) return readPath(text, env);
  if (URL_START.test(text)) return { text, extras: "", specifier: "", marker: "", location: text };
  if (isPath(text)) return readPath(text, env);
  const [, name, extras = "", specifier = "", marker = ""] = NAMED.exec(text) ?? [];
  if (name === undefined || (specifier !== "" && !validRange(specifier.replace(/^\((.*)\)$/, "$1")))) {
    throw new HarborError(`Cannot install "${text}": it is no requirement`, {
      exit: "usage",
      hint: 'Write a name ("speaches[ui]==0.8.3"), a path or "name @ URL"',
    });
  }
  return { text, name: normaliseName(name), extras, specifier, marker };
}

/** PEP 503. */
export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/** The same package from this wheel instead. */
export function fromWheel({ extras, marker }: Pick<Requirement, "extras" | "marker">, name: string, wheel: string): string {
  return `${name}${extras} @ ${Bun.pathToFileURL(wheel).href}${marker === "" ? "" : ` ${marker}`}`;
}

/** What changes when the files that a local path names do; undefined for what comes from elsewhere. */
export function stampOf({ location }: Requirement): string | undefined {
  if (location?.startsWith("/") !== true) return undefined;
  const stamps = [location, ...["pyproject.toml", "setup.py", "setup.cfg"].map((name) => join(location, name))].flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() ? [`${stat.size}:${stat.mtimeMs}`] : [];
  });
  return stamps.join(" ");
}

function refuseOptions(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are refused
  const isOdd = /[\u0000-\u001f\u007f]/.test(text) || text.endsWith("\\");
  if (text !== "" && !text.startsWith("-") && !/\s-/.test(text) && !isOdd) return;
  throw new HarborError(`Cannot install "${text}": ${text === "" ? "it is empty" : "an installer would read it as an option"}`, {
    exit: "usage",
  });
}

function isPath(text: string): boolean {
  if (URL_START.test(text) || /^[^/]*@\s*\S/.test(text)) return false;
  return (
    /^(?:\.{0,2}\/|~\/)/.test(text) || text === "." || text === ".." || text.includes("/") || ARCHIVE.test(text.replace(/\[[^\]]*\]$/, ""))
  );
}

function readDirect(
  [, name = "", extras = "", target = "", marker = ""]: RegExpExecArray,
  env: Readonly<Record<string, string | undefined>>,
): Requirement {
  const location = resolveLocation(target, env);
  const url = location.startsWith("/") ? Bun.pathToFileURL(location).href : location;
  const ending = marker.trim() === "" ? "" : ` ${marker.trim()}`;
  return { text: `${name}${extras} @ ${url}${ending}`, name: normaliseName(name), extras, specifier: "", marker: marker.trim(), location };
}

function readPath(text: string, env: Readonly<Record<string, string | undefined>>): Requirement {
  const [, path = text, extras = ""] = /^(.*?)(\[[^\]]*\])?$/.exec(text) ?? [];
  const location = resolveLocation(path, env);
  const name = /([^/]+?)-\d[^/]*\.(?:whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz)$/.exec(location)?.[1] ?? nameOfProject(location);
  const read: Requirement = { text: `${location}${extras}`, extras, specifier: "", marker: "", location };
  return name === undefined ? read : { ...read, name: normaliseName(name) };
}

/** As its pyproject.toml has it; undefined where that says nothing. */
function nameOfProject(folder: string): string | undefined {
  try {
    const document = Bun.TOML.parse(readFileSync(join(folder, "pyproject.toml"), "utf8")) as { project?: { name?: unknown } };
    const name = document.project?.name;
    return typeof name === "string" ? name : undefined;
  } catch {
    return undefined; // the installer will say what is wrong with it
  }
}

/** A path or `file:` URL as an absolute path; other URLs as they are. */
export function resolveLocation(given: string, env: Readonly<Record<string, string | undefined>>): string {
  if (given.startsWith("file://")) return Bun.fileURLToPath(given.replace(/#.*$/, ""));
  if (URL_START.test(given)) return given;
  return given.startsWith("~/") ? join(homeDirectory(env), given.slice(2)) : resolve(given);
}
