/** A contract's rules, as text → the same in the numbers that the state machine counts with. */
import { parseDuration } from "../_script/duration.ts";
import { isEvent, probeKind } from "../native/probe-process.ts";
import type { LiveSpec, ReadySpec } from "../native/resolve-contract.ts";
import type { NativeSpec } from "../native/start-process.ts";
import type { Policy, ProbePolicy, ReadyPolicy } from "./_service.ts";

export interface StartRules {
  /** Instead of the contract's own deadline. */
  timeoutMs?: number | undefined;
  /** One that is not ready by then runs on. */
  isKept?: boolean | undefined;
}

export function policyOf(spec: NativeSpec, { timeoutMs, isKept }: StartRules): Policy {
  const [first, longest] = spec.restart.backoff.split("..").map(ms);
  return {
    restart: spec.restart.policy,
    max: spec.restart.max,
    backoffMs: { first: first ?? 0, longest: longest ?? first ?? 0 },
    resetAfterMs: ms(spec.restart.reset_after),
    ready: isAsked(spec) ? readyPolicy(spec.ready, timeoutMs) : undefined,
    live: spec.live === undefined ? undefined : livePolicy(spec.live),
    isKept: isKept ?? false,
    hasPreStart: spec.preStart !== undefined,
    hasPostStop: spec.postStop !== undefined,
    dependsOn: spec.dependsOn,
  };
}

/** A process without a port and without a question is ready as soon as it runs. */
function isAsked({ ready, port }: NativeSpec): boolean {
  return port !== undefined || probeKind(ready) !== "tcp";
}

function readyPolicy(ready: ReadySpec, timeoutMs: number | undefined): ReadyPolicy {
  return {
    ...probePolicy(ready),
    deadlineMs: timeoutMs ?? ms(ready.timeout),
    isExtensible: timeoutMs === undefined,
    startIntervalMs: ms(ready.start_interval),
    successes: ready.successes,
  };
}

/** That it has said that it is alive is looked at from time to time; that it is not, a line of its log says when it happens. */
function livePolicy(live: LiveSpec): ProbePolicy {
  return { ...probePolicy(live), how: probeKind(live) === "log" ? "event" : "ask" };
}

function probePolicy(probe: ReadySpec | LiveSpec): ProbePolicy {
  return {
    how: isEvent(probe) ? "event" : "ask",
    intervalMs: ms(probe.interval),
    startPeriodMs: ms(probe.start_period),
    failures: probe.failures,
  };
}

/** Checked when the contract was read. */
function ms(text: string): number {
  return parseDuration(text) ?? 0;
}
