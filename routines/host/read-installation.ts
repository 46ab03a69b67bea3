/** How this very Harbor came to be here, and what changes it for a newer one, or takes it away. Asks nobody; changes nothing. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { programRoot } from "../_script/program-root.ts";
import { programVersion } from "../_script/program-version.ts";
import { quoteWord as quote } from "../_script/quote-word.ts";

export interface Installation {
  version: string;
  /** Where the program stands. */
  root: string;
  /** `project`: a dependency of somebody's package. `cache`: bunx brought it. `folder`: unpacked by hand. */
  kind: "checkout" | "bun" | "npm" | "pnpm" | "project" | "cache" | "folder";
  /** For a person. */
  how: string;
  /** The command line that brings a newer one; null where there is none. */
  update: string | null;
  /** The one that takes it away. */
  remove: string;
}

const PACKAGE = "harbor";

/** `root` is the program's own. */
export function readInstallation(root = programRoot()): Installation {
  return { version: programVersion(), root, ...describe(root) };
}

type Description = Pick<Installation, "kind" | "how" | "update" | "remove">;

function describe(root: string): Description {
  if (existsSync(join(root, ".git"))) return describeCheckout(root);
  // a folder of Bun's for bunx, which it clears by itself
  if (/\/bunx-[^/]*\//.test(root)) {
    return { kind: "cache", how: "bunx brought it", update: `bunx ${PACKAGE}@latest`, remove: `rm -rf ${quote(dirname(dirname(root)))}` };
  }
  const manager = GLOBAL.find(({ place }) => place.test(root));
  if (manager !== undefined) {
    const { kind, add, remove } = manager;
    return { kind, how: `a global package of ${kind}`, update: `${add} ${PACKAGE}@latest`, remove: `${remove} ${PACKAGE}` };
  }
  const [, project] = /^(.*?)\/node_modules\//.exec(root) ?? [];
  if (project !== undefined) {
    const inProject = (words: string): string => `cd ${quote(project)} && ${words} ${PACKAGE}`;
    return { kind: "project", how: `a package of ${project}`, update: inProject("bun update"), remove: inProject("bun remove") };
  }
  return { kind: "folder", how: "a folder that somebody unpacked", update: null, remove: `rm -rf ${quote(root)}` };
}

/** By where each manager puts global packages. */
const GLOBAL = [
  { kind: "bun", place: /\/install\/global\/node_modules\//, add: "bun add --global", remove: "bun remove --global" },
  { kind: "pnpm", place: /\/pnpm\/(?:global|store)\//, add: "pnpm add --global", remove: "pnpm remove --global" },
  { kind: "npm", place: /\/lib\/node_modules\/[^/]+$/, add: "npm install --global", remove: "npm uninstall --global" },
] as const;

function describeCheckout(root: string): Description {
  const branch = askGit(root, "symbolic-ref", "--quiet", "--short", "HEAD");
  const behind = Number(askGit(root, "rev-list", "--count", "HEAD..@{upstream}") ?? "");
  const words = [
    `a git checkout ${branch === undefined ? "at a commit of its own" : `of branch ${branch}`}`,
    ...(behind > 0 ? [`${behind} ${behind === 1 ? "commit" : "commits"} behind what was last fetched`] : []),
  ];
  const update = branch === undefined ? `git -C ${quote(root)} fetch` : `git -C ${quote(root)} pull --ff-only`;
  return { kind: "checkout", how: words.join(", "), update, remove: `rm -rf ${quote(root)}` };
}

/** Undefined where there is no git, or it has no answer. It may neither ask anybody nor write. */
function askGit(root: string, ...words: string[]): string | undefined {
  const git = Bun.which("git");
  if (git === null) return undefined;
  const { exitCode, stdout } = Bun.spawnSync([git, "--no-optional-locks", "-C", root, ...words], { stdin: "ignore", stderr: "ignore" });
  return exitCode === 0 ? stdout.toString().trim() : undefined;
}
