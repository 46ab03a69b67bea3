/** What a contract says of a process's life beside its probes: its end, its restarts, its hooks, what it waits for and what is kept of it. */
import type { Fields } from "./_contract-fields.ts";
import { HOOK_TIMEOUTS, LOGS, RESTART, STOP } from "./_defaults.ts";
import { readProgram } from "./_read-command-line.ts";
import { isBackoff, isDuration, isNumber, isSignalName, isSize, isSpan, oneOf } from "./_rules.ts";
import type { BridgeMode, Dependencies, DependencyCondition, HookSpec, IdleSpec, LogLimits, RestartSpec, StopSpec } from "./_types.ts";
import type { Written } from "./_written.ts";

/** `unless-stopped` is taken, for that is what compose calls it. */
export const POLICIES = ["no", "on-failure", "always", "unless-stopped"] as const;
export const BRIDGES: readonly BridgeMode[] = ["relay", "direct"];
const CONDITIONS: readonly DependencyCondition[] = ["service_started", "service_healthy", "service_completed_successfully"];

export function readStop(fields: Fields | undefined): StopSpec {
  fields?.allow(["signal", "grace"]);
  return { signal: fields?.checked("signal", isSignalName) ?? STOP.signal, grace: fields?.checked("grace", isDuration) ?? STOP.grace };
}

export function readRestart(fields: Fields | undefined): Written<RestartSpec> {
  fields?.allow(["policy", "max", "backoff", "reset_after"]);
  return {
    policy: fields?.checked("policy", oneOf(POLICIES)) ?? RESTART.policy,
    max: fields?.checked("max", isNumber) ?? String(RESTART.max),
    backoff: fields?.checked("backoff", isBackoff) ?? RESTART.backoff,
    reset_after: fields?.checked("reset_after", isSpan) ?? RESTART.reset_after,
  };
}

/** A command line, or one with a timeout: `{ command, timeout }`. */
export function readHook(fields: Fields, key: keyof typeof HOOK_TIMEOUTS): Written<HookSpec> | undefined {
  const section = fields.isMap(key) ? fields.section(key) : undefined;
  section?.allow(["command", "timeout"]);
  if (section !== undefined && !section.has("command")) return section.problem(undefined, `"${key}" has no "command": the program to run`);
  const argv = section === undefined ? readProgram(fields, key) : readProgram(section, "command");
  const timeout = section?.checked("timeout", isSpan) ?? HOOK_TIMEOUTS[key];
  return argv === undefined ? undefined : { argv, timeout };
}

/** compose's two spellings: a list of names, or a map with conditions. */
export function readDependencies(fields: Fields): Dependencies {
  const key = "depends_on";
  if (!fields.has(key)) return {};
  if (!fields.isMap(key)) return Object.fromEntries((fields.list(key) ?? []).map((name) => [name, "service_started"]));
  const section = fields.section(key);
  return Object.fromEntries((section?.keys() ?? []).map((name) => [name, readCondition(section?.section(name))]));
}

/** An entry without a condition asks for the least. */
function readCondition(fields: Fields | undefined): DependencyCondition {
  for (const key of ["required", "restart"]) {
    if (fields?.has(key))
      fields.problem(key, `"${key}" has no meaning here: a process waits for all it depends on, and is not restarted with it`);
  }
  fields?.allow(["condition", "required", "restart"]);
  const condition = fields?.checked("condition", oneOf(CONDITIONS));
  return CONDITIONS.find((known) => known === condition) ?? "service_started";
}

export function readIdle(fields: Fields | undefined): IdleSpec | undefined {
  if (fields === undefined) return undefined;
  fields.allow(["stop_after"]);
  if (!fields.has("stop_after")) return fields.problem(undefined, '"idle" has no "stop_after": how long nobody must have talked to it');
  const stop = fields.checked("stop_after", isSpan);
  return stop === undefined ? undefined : { stop_after: stop };
}

export function readLogs(fields: Fields | undefined): Written<LogLimits> {
  fields?.allow(["max_size", "max_files", "max_age"]);
  return {
    max_size: fields?.checked("max_size", isSize) ?? LOGS.max_size,
    max_files: fields?.checked("max_files", isNumber) ?? String(LOGS.max_files),
    max_age: fields?.checked("max_age", isSpan) ?? LOGS.max_age,
  };
}
