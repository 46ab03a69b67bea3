/** The process that keeps native services running: there where it is needed, of this version, and without troubles of its own. */
import { programVersion } from "../_script/program-version.ts";
import type { Env } from "../config/read-values.ts";
import { findRunning, SupervisorClient } from "../supervisor/connect-supervisor.ts";
import { forgetDeadSupervisor, inspectSupervisor, type SupervisorTraces } from "../supervisor/inspect-supervisor.ts";
import type { Hello } from "../supervisor/report.ts";
import type { Check } from "./check.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface SupervisorFacts {
  traces: SupervisorTraces;
  /** What it says of itself: null where it lives and says nothing, undefined where none lives. */
  hello: Pick<Hello, "version" | "troubles"> | null | undefined;
  /** Of this Harbor. */
  version: string;
  where: { home: string; env: Env };
}

export function judgeSupervisor({ traces, hello, version, where }: SupervisorFacts): Finding[] {
  const { pid, services, broken, log } = traces;
  const found: Finding[] = broken.map(({ handle, why }) =>
    failed({
      what: `${handle}: ${why}`,
      why: "Nobody knows whether its process still runs",
      fix: `Look for it yourself (ps), then remove state/native/${handle}/service.json`,
    }),
  );
  if (hello === null) {
    found.push(
      failed({
        what: `the supervisor does not answer: pid ${pid}`,
        why: "Native services are not looked after",
        fix: `kill ${pid}: services go on, and the next command starts another; its log: ${log}`,
      }),
    );
  } else if (hello === undefined) found.push(...judgeAbsent(traces, where));
  else {
    if (hello.version !== version) found.push(outdated(hello.version, version, where));
    for (const trouble of hello.troubles)
      found.push(
        warning({
          what: `the supervisor says: ${trouble}`,
          why: "Something of a native service was not done",
          fix: "Look at the disk and at `harbor ps`",
        }),
      );
  }
  if (found.length > 0) return found;
  return [
    ok(
      hello === undefined ? "none runs, and none is needed" : `pid ${pid}, version ${version}, for ${services.join(", ") || "nothing yet"}`,
    ),
  ];
}

function judgeAbsent({ pid, services, isAlive }: SupervisorTraces, where: SupervisorFacts["where"]): Finding[] {
  if (services.length > 0) {
    return [
      warning({
        what: `no supervisor runs, and ${services.join(", ")} should have one`,
        why: "They go on, but are not started again when they fail, and sleepers do not wake",
        fix: "harbor ps starts one",
        mend: async () => `one runs: pid ${(await new SupervisorClient(where).hello()).pid}`,
      }),
    ];
  }
  if (pid === undefined || isAlive) return [];
  return [
    warning({
      what: `a supervisor that has ended is noted as running: pid ${pid}`,
      why: "It was killed; nothing needed it any more",
      fix: "The next native service brings another",
      mend: () => (forgetDeadSupervisor(where.home) ? "its record is removed" : "another one runs by now"),
    }),
  ];
}

function outdated(old: string, version: string, where: SupervisorFacts["where"]): Finding {
  return warning({
    what: `the supervisor is of version ${old}, Harbor of ${version}`,
    why: "It keeps to the rules of its own version",
    fix: "harbor supervisor restart: services go on",
    mend: async () => {
      await new SupervisorClient(where).leave();
      return `one of version ${(await new SupervisorClient(where).hello()).version} has taken over`;
    },
  });
}

export const checkSupervisor: Check = {
  name: "supervisor",
  group: "state",
  about: "the process that keeps native services running",
  async run({ home, env }) {
    const where = { home, env };
    const running = findRunning(where);
    const hello = running === undefined ? undefined : await sayHello(running);
    return judgeSupervisor({ traces: inspectSupervisor(home), hello, version: programVersion(), where });
  },
};

const PATIENCE_MS = 1_000;

/** Null where it does not answer in time. */
async function sayHello(client: SupervisorClient): Promise<Hello | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), PATIENCE_MS);
  const asked = client.hello().catch(() => null);
  return Promise.race([asked, late.promise]).finally(() => clearTimeout(timer));
}
