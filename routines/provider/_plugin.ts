/** Harbor among the plugins of docker's command line: a link to bin/docker-harbor in the user's own folder of them. */
import { lstatSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { homeDirectory } from "../_script/home-directory.ts";
import { programRoot } from "../_script/program-root.ts";
import type { Env } from "../config/read-values.ts";

export interface Plugin {
  /** The link. */
  path: string;
  /** Where ours would lead. */
  target: string;
  /** Where it leads now; undefined where there is none. */
  current: string | undefined;
}

/** Throws where something stands there that is no link of Harbor's. */
export function readPlugin(env: Env): Plugin {
  const path = join(env.DOCKER_CONFIG || join(homeDirectory(env), ".docker"), "cli-plugins", "docker-harbor");
  return { path, target: join(programRoot(), "bin", "docker-harbor"), current: readLink(path) };
}

function readLink(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const target = found.isSymbolicLink() ? readlinkSync(path) : "";
  if (basename(target) === "docker-harbor") return target;
  throw new HarborError(
    `Cannot use "${path}": it is ${found.isSymbolicLink() ? `a link to ${target}` : "no link"}, which Harbor did not make`,
    {
      hint: "Move it out of the way",
    },
  );
}
