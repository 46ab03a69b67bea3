/** What commands leave that were killed: locks, and files that were being written. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describeLock, type LockState, withLock } from "../_script/lock.ts";
import { readProcess } from "../_script/process-identity.ts";
import { stateOf } from "../stack/read-stack.ts";
import { removeEmptyState } from "../stack/write-stack.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface LeftoverFacts {
  locks: readonly (LockState & { path: string })[];
  /** Whose writer is gone. */
  temporary: readonly string[];
  /** For the folder that may be empty afterwards. */
  home: string;
}

export function judgeLeftovers({ locks, temporary, home }: LeftoverFacts): Finding[] {
  const found = locks.flatMap((lock) => judgeLock(lock, home) ?? []);
  if (temporary.length > 0) {
    found.push(
      warning({
        what: `${temporary.length} file${temporary.length === 1 ? "" : "s"} that a command was writing when it was killed`,
        why: "They take space, and hold what the real files hold, secrets too",
        fix: `rm ${temporary.map((path) => `'${path}'`).join(" ")}`,
        details: temporary,
        mend: () => {
          for (const path of temporary) rmSync(path, { force: true });
          return `removed: ${temporary.join(", ")}`;
        },
      }),
    );
  }
  return found.length > 0 ? found : [ok("nothing was left half-done")];
}

function judgeLock({ path, holder, state }: LeftoverFacts["locks"][number], home: string): Finding | undefined {
  if (state === "held") return undefined;
  if (state === "unreadable") {
    return failed({
      what: `the lock ${path} cannot be read: ${holder}`,
      why: "Every command that needs it stops there",
      fix: `rm '${path}', while no other harbor command runs`,
      mend: () => {
        rmSync(path, { force: true });
        return `removed ${path}`;
      },
    });
  }
  return warning({
    what: `a lock whose holder is gone: ${path}, ${holder}`,
    why: "The next command takes it over by itself; a program of yours that looks for it would wait",
    fix: "Any command that changes the stack takes it over",
    mend: async () => {
      // taken and given back: whoever wants it at this moment is not disturbed
      await withLock(path, () => undefined, { purpose: "harbor doctor --fix", waitMs: 1_000 });
      removeEmptyState(home);
      return `removed ${path}`;
    },
  });
}

/** `path.4711.tmp` and `path.4711.1a2b3c4d.tmp`: the number is the writer's pid. */
const TEMPORARY = /\.(\d+)\.(?:[0-9a-f]{8}\.)?tmp$/;

export const checkLeftovers: Check = {
  name: "leftovers",
  group: "state",
  about: "what killed commands have left",
  run({ home }) {
    const { directory, lock } = stateOf(home);
    const files = [home, directory, join(home, "env"), join(home, "profiles")].flatMap((folder) =>
      namesIn(folder).map((name) => join(folder, name)),
    );
    const locks = files
      .filter((path) => path === lock || path.endsWith(".lock"))
      .flatMap((path) => {
        const state = describeLock(path);
        return state === undefined ? [] : [{ path, ...state }];
      });
    const temporary = files.filter((path) => {
      const pid = TEMPORARY.exec(path)?.[1];
      return pid !== undefined && readProcess(Number(pid)) === undefined;
    });
    return judgeLeftovers({ locks, temporary, home });
  },
};

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
