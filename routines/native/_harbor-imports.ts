/**
 * Lets a program that bun runs import Harbor's routines, as `harbor/host/…`, and the packages that these use,
 * wherever its folder stands: by a link to the routines in a folder of its own, and NODE_PATH. There bun looks last, after
 * the `node_modules` above the program, and takes a path as it is, without the `exports` of a package.
 */
import { existsSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { programRoot } from "../_script/program-root.ts";
import { isRunByBun } from "./find-program.ts";

export interface ImportingProgram {
  /** As the contract has it. */
  argv: readonly string[];
  /** What it is started with. */
  env: Readonly<Record<string, string | undefined>>;
  /** Of this service alone: another version of Harbor changes nothing for those that run. */
  folder: string;
}

/** What goes over its environment: nothing for any other program. Makes the link. */
export function importEnvironment({ argv, env, folder }: ImportingProgram): { NODE_PATH?: string } {
  if (!isRunByBun(argv[0])) return {};
  const root = programRoot();
  const modules = join(folder, "modules");
  link(join(root, "routines"), join(modules, "harbor"));
  const own = env.NODE_PATH === undefined || env.NODE_PATH === "" ? [] : [env.NODE_PATH];
  return { NODE_PATH: [...own, modules, ...packageFolders(root)].join(":") };
}

function link(target: string, path: string): void {
  if (readLink(path) === target) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // not there yet
  }
}

/** Where the program's own packages are: beside it in a checkout, above it where it is a package itself; nearest first. */
function packageFolders(root: string): string[] {
  const parents = [root];
  for (let folder = root; folder !== dirname(folder); ) {
    folder = dirname(folder);
    parents.push(folder);
  }
  return parents.map((folder) => join(folder, "node_modules")).filter((folder) => existsSync(folder));
}
