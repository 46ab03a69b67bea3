/** Probes, restarts, hooks and limits of a contract → the same with every value filled in and checked. */
import type { Filler } from "./_filler.ts";
import { POLICIES } from "./_read-life.ts";
import {
  isBackoff,
  isCount,
  isDuration,
  isNumber,
  isPath,
  isPattern,
  isSignalName,
  isSize,
  isSpan,
  isStatuses,
  oneOf,
  type Rule,
} from "./_rules.ts";
import type { HookSpec, LiveSpec, LogLimits, ProbeQuestion, ReadySpec, RestartSpec, StopSpec } from "./_types.ts";
import type { Written } from "./_written.ts";

export function resolveReady(ready: Written<ReadySpec>, filler: Filler): ReadySpec {
  return {
    ...resolveQuestion("ready", ready, filler),
    timeout: filler.checked("ready.timeout", ready.timeout, isSpan),
    start_interval: filler.checked("ready.start_interval", ready.start_interval, isSpan),
    interval: filler.checked("ready.interval", ready.interval, isSpan),
    start_period: filler.checked("ready.start_period", ready.start_period, isDuration),
    successes: filler.number("ready.successes", ready.successes, isCount),
    failures: filler.number("ready.failures", ready.failures, isCount),
  };
}

export function resolveLive(live: Written<LiveSpec>, filler: Filler): LiveSpec {
  return {
    ...resolveQuestion("live", live, filler),
    interval: filler.checked("live.interval", live.interval, isSpan),
    start_period: filler.checked("live.start_period", live.start_period, isDuration),
    failures: filler.number("live.failures", live.failures, isCount),
  };
}

function resolveQuestion(block: string, asked: Written<ProbeQuestion>, filler: Filler): ProbeQuestion {
  const question: ProbeQuestion = { probe_timeout: filler.checked(`${block}.probe_timeout`, asked.probe_timeout, isSpan) };
  const take = (key: "http" | "status" | "body" | "log", rule: Rule): void => {
    const text = asked[key];
    if (text !== undefined) question[key] = filler.checked(`${block}.${key}`, text, rule);
  };
  take("http", isPath);
  take("status", isStatuses);
  take("body", isPattern);
  take("log", isPattern);
  if (asked.exec !== undefined) question.exec = filler.command(asked.exec, { program: `${block}.exec`, args: `${block}.exec` });
  if (asked.notify) question.notify = true;
  return question;
}

export function resolveStop(stop: StopSpec, filler: Filler): StopSpec {
  return {
    signal: filler.checked("stop.signal", stop.signal, isSignalName),
    grace: filler.checked("stop.grace", stop.grace, isDuration),
  };
}

/** `backoff` comes out with both its ends. */
export function resolveRestart(restart: Written<RestartSpec>, filler: Filler): RestartSpec {
  const policy = filler.checked("restart.policy", restart.policy, oneOf(POLICIES)) as (typeof POLICIES)[number];
  const backoff = filler.checked("restart.backoff", restart.backoff, isBackoff);
  return {
    policy: policy === "unless-stopped" ? "always" : policy,
    max: filler.number("restart.max", restart.max, isNumber),
    backoff: backoff.includes("..") ? backoff : `${backoff}..${backoff}`,
    reset_after: filler.checked("restart.reset_after", restart.reset_after, isSpan),
  };
}

export function resolveHook(key: string, hook: Written<HookSpec>, filler: Filler): HookSpec {
  return {
    argv: filler.command(hook.argv, { program: key, args: key }),
    timeout: filler.checked(`${key}.timeout`, hook.timeout, isSpan),
  };
}

export function resolveLogs(logs: Written<LogLimits>, filler: Filler): LogLimits {
  return {
    max_size: filler.checked("logs.max_size", logs.max_size, isSize),
    max_files: filler.number("logs.max_files", logs.max_files, isNumber),
    max_age: filler.checked("logs.max_age", logs.max_age, isSpan),
  };
}
