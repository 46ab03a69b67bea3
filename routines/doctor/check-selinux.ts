/** SELinux, where it keeps containers from folders of the user's. */
import { readFileSync } from "node:fs";
import type { Check } from "./check.ts";
import { type Finding, ok, warning } from "./finding.ts";

export interface SelinuxFacts {
  isEnforcing: boolean;
  /** The engine labels its containers. */
  isUsedByEngine: boolean;
  data: string;
}

export function judgeSelinux({ isEnforcing, isUsedByEngine, data }: SelinuxFacts): Finding {
  if (!isEnforcing) return ok("SELinux keeps nothing back here");
  if (!isUsedByEngine) return ok("SELinux is on; the engine does not label its containers, so that it keeps none of them back");
  return warning({
    what: "SELinux is on, and the engine labels its containers",
    why: `Containers get "permission denied" in folders that are mounted from ${data}`,
    fix: `sudo semanage fcontext -a -t container_file_t '${data}(/.*)?' && sudo restorecon -R ${data}`,
  });
}

function readEnforcing(): boolean {
  try {
    return readFileSync("/sys/fs/selinux/enforce", "utf8").trim() === "1";
  } catch {
    return false; // there is none
  }
}

export const checkSelinux: Check = {
  name: "selinux",
  group: "host",
  about: "SELinux between containers and their data",
  async run(context) {
    const isEnforcing = readEnforcing();
    const data = context.values().get("HARBOR_DATA") ?? context.home;
    const options = isEnforcing ? (await context.engine()).info.SecurityOptions : [];
    return judgeSelinux({ isEnforcing, isUsedByEngine: options?.some((it) => it.includes("selinux")) ?? false, data });
  },
};
