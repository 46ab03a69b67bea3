/** What holds where a contract says nothing. */
import type { LiveSpec, LogLimits, ReadySpec, RestartSpec, StopSpec } from "./_types.ts";

export const READY: ReadySpec = {
  probe_timeout: "2s",
  timeout: "60s",
  start_interval: "200ms",
  interval: "10s",
  start_period: "0s",
  successes: 1,
  failures: 3,
};

export const LIVE: LiveSpec = { probe_timeout: "2s", interval: "10s", start_period: "0s", failures: 3 };

export const STOP: StopSpec = { signal: "SIGTERM", grace: "10s" };

export const RESTART: RestartSpec = { policy: "on-failure", max: 5, backoff: "500ms..30s", reset_after: "60s" };

export const LOGS: LogLimits = { max_size: "10MB", max_files: 5, max_age: "7d" };

/** Of the hooks: the first may have something to build or to fetch, the second only cleans up. */
export const HOOK_TIMEOUTS = { pre_start: "60s", post_stop: "10s" } as const;
