/**
 * YAML that bin/build.ts has read already: the files of the built-in services, in dist/yaml, a file for each
 * folder. Small files cost a cold reader a millisecond, which `harbor plan` has few of.
 */
import { readFileSync } from "node:fs";
import { programRoot } from "./program-root.ts";

declare const HARBOR_BUNDLE: true | undefined;

/** File name → its text when it was built, and its value as JSON. */
export type BuiltFolder = Record<string, [text: string, json: string]>;

/** Below `services/`: where a file's folder is kept, and its name there; the base file stands in no folder. */
export function builtPlace(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf("/");
  return { folder: slash === -1 ? "base" : path.slice(0, slash), name: path.slice(slash + 1) };
}

const folders = new Map<string, BuiltFolder>();

/** The value of a text, a fresh one each time; undefined where it was not built, or has changed since. */
export function findBuiltYaml(text: string, file: string): { value: unknown } | undefined {
  if (typeof HARBOR_BUNDLE === "undefined") return undefined;
  const root = programRoot();
  if (!file.startsWith(`${root}/services/`)) return undefined;
  const { folder, name } = builtPlace(file.slice(root.length + "/services/".length));
  let built = folders.get(folder);
  if (built === undefined) {
    built = readFolder(`${root}/dist/yaml/${folder}.json`);
    folders.set(folder, built);
  }
  const [known, json] = built[name] ?? [];
  return known === text && json !== undefined ? { value: JSON.parse(json) } : undefined;
}

function readFolder(path: string): BuiltFolder {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as BuiltFolder;
  } catch {
    return {}; // a folder that came after the build
  }
}
