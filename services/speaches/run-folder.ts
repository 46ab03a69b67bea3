/**
 * The folder that the server is started in: speaches reads files of its own there, by relative paths, and does not start, or
 * answers nothing but errors, without them. Its package leaves them out, so they are links into its source.
 */
import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Other names for models. */
const ALIASES = "model_aliases.json";
/** The pages of the realtime console: a folder is enough to start. */
const PAGES = join("realtime-console", "dist");

/** Brought up to date each time; `source` is a folder, or undefined where speaches was installed from a package. */
export function makeRunFolder(folder: string, source: string | undefined): string {
  mkdirSync(join(folder, "realtime-console"), { recursive: true, mode: 0o700 });
  link(folder, source, ALIASES, (path) => writeFileSync(path, "{}\n"));
  link(folder, source, PAGES, (path) => mkdirSync(path));
  return folder;
}

function link(folder: string, source: string | undefined, name: string, makeEmpty: (path: string) => void): void {
  const path = join(folder, name);
  const original = source === undefined ? undefined : join(source, name);
  const there = lstatSync(path, { throwIfNoEntry: false });
  // another may be running in it
  if (there?.isSymbolicLink() ? readlinkSync(path) === original && existsSync(path) : there !== undefined && original === undefined) return;
  rmSync(path, { recursive: true, force: true });
  if (original !== undefined && existsSync(original)) symlinkSync(original, path);
  else makeEmpty(path);
}
