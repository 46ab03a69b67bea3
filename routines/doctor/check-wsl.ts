/** Linux inside of Windows: which of both, and whether Harbor's folders lie on Windows' own disks. */
import { readFileSync } from "node:fs";
import { isWsl } from "../engine/detect-engine-kind.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface WslFacts {
  /** The kernel's name for itself. */
  kernel: string;
  home: string;
  /** Where services store what they store. */
  data: string;
  /** `/proc/mounts` */
  mounts: string;
}

export function judgeWsl({ kernel, home, data, mounts }: WslFacts): Finding[] {
  if (!isWsl(() => kernel)) return [ok("this is no WSL")];
  // WSL1 is no Linux kernel, and names itself 4.4.0-…-Microsoft
  if (!/WSL2|microsoft-standard/.test(kernel)) {
    return [
      failed({
        what: `WSL1 (${kernel})`,
        why: "It runs no containers, and lacks what native services need",
        fix: "wsl --set-version <distribution> 2",
      }),
    ];
  }
  const found: Finding[] = [];
  if (isOnWindows(home, mounts)) {
    found.push(
      failed({
        what: `HARBOR_HOME lies on a disk of Windows: ${home}`,
        why: "There are no sockets and no modes there: native services do not start, and every Windows program can read the secrets",
        fix: "Move it into Linux: HARBOR_HOME=~/.harbor",
      }),
    );
  } else if (isOnWindows(data, mounts)) {
    const why = "Models load several times slower from there, and databases may be damaged";
    found.push(
      warning({
        what: `services store their data on a disk of Windows: ${data}`,
        why,
        fix: "harbor config unset data, or name a folder of Linux",
      }),
    );
  }
  return found.length > 0 ? found : [ok("WSL2, with Harbor's folders in Linux")];
}

/** By the mount that it lies below: `9p` and `drvfs` lead to Windows. */
export function isOnWindows(path: string, mounts: string): boolean {
  const below = mounts
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([, place = ""]) => place !== "" && (path === place || path.startsWith(place === "/" ? "/" : `${place}/`)))
    .sort(([, a = ""], [, b = ""]) => b.length - a.length)[0];
  if (below === undefined) return /^\/mnt\/[a-z](?:\/|$)/.test(path);
  return below[2] === "drvfs" || (below[2] === "9p" && /drvfs|[A-Z]:/.test(`${below[0]} ${below[3]}`));
}

export const checkWsl: Check = {
  name: "wsl",
  group: "host",
  about: "Linux inside of Windows",
  run(context) {
    if (context.platform !== "linux") return ok("this is no Linux");
    const { home } = context;
    const data = context.values().get("HARBOR_DATA") ?? home;
    const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
    return judgeWsl({ kernel, home, data, mounts: readFileSync("/proc/mounts", "utf8") });
  },
};
