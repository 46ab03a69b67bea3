/** The clock: of this host, and of the engine's machine, which may have slept. */
import { ifReadable } from "./_if-readable.ts";
import type { Check } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { type Finding, failed, ok, warning } from "./finding.ts";

export interface ClockFacts {
  /** Milliseconds since 1970, as all of these. */
  nowMs: number;
  /** By the engine's clock, and when it said so by ours; undefined where no engine answers. */
  engine: { saidMs: number; atMs: number } | undefined;
}

/** Harbor is younger: a clock before it is wrong for certain. */
const FLOOR_MS = Date.UTC(2025, 0, 1);
const SKEW_MS = 30_000;

export function judgeClock({ nowMs, engine }: ClockFacts): Finding {
  if (nowMs < FLOOR_MS) {
    return failed({
      what: `the clock says ${new Date(nowMs).toISOString()}`,
      why: "No certificate is valid yet: nothing can be fetched by https",
      fix: "sudo timedatectl set-ntp true",
    });
  }
  const skewMs = engine === undefined ? 0 : engine.saidMs - engine.atMs;
  if (Number.isNaN(skewMs) || Math.abs(skewMs) < SKEW_MS)
    return ok(engine === undefined ? "it is right, as far as can be told" : "the engine's goes with it");
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  return warning({
    what: `the engine's clock is ${seconds} s ${skewMs < 0 ? "behind" : "ahead of"} this host's`,
    why: "Certificates and tokens count as expired or not valid yet, and logs of natives and containers are in the wrong order",
    fix: "Restart the engine's machine, or set its clock",
  });
}

async function readEngine(context: DoctorContext): Promise<ClockFacts["engine"]> {
  const { info, askedAtMs = 0 } = (await ifReadable(context.engine)) ?? {};
  return info?.SystemTime === undefined ? undefined : { saidMs: Date.parse(info.SystemTime), atMs: askedAtMs };
}

export const checkClock: Check = {
  name: "clock",
  group: "host",
  about: "the clock of this host and of the engine's machine",
  async run(context) {
    const engine = await readEngine(context);
    return judgeClock({ nowMs: Date.now(), engine });
  },
};
