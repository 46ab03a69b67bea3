/** What a contract says about a process. Durations and sizes as text (`60s`, `10MB`), so that a plan reads as the contract does. */

/** What is asked of a process; one of the five kinds. Without any, a TCP connection to its port. */
export type ProbeKind = "http" | "tcp" | "exec" | "log" | "notify";

/** One question to a process, and how an answer is judged. */
export interface ProbeQuestion {
  /** Path of an HTTP GET on the service's port of 127.0.0.1. */
  http?: string;
  /** Statuses that count: `200`, `200-299`, several with commas. `200-399` when left out. */
  status?: string;
  /** Regular expression that the body must match. */
  body?: string;
  /** A program that must end with 0, in the service's folder and environment. */
  exec?: string[];
  /** Regular expression that a line of the log must match. */
  log?: string;
  /** `READY=1` by sd_notify(3), sent to `$NOTIFY_SOCKET`. */
  notify?: true;
  /** Of one attempt. */
  probe_timeout: string;
}

/** When a started process counts as ready, and as unhealthy afterwards. */
export interface ReadySpec extends ProbeQuestion {
  /** The deadline of the whole start: after it, the start has failed. */
  timeout: string;
  /** The longest pause between two attempts while it starts; the first ones come faster. */
  start_interval: string;
  /** Between two attempts once it was ready. */
  interval: string;
  /** No attempt before this much after the start. */
  start_period: string;
  /** Good answers in a row until it is ready. */
  successes: number;
  /** Bad answers in a row until a ready one is unhealthy. */
  failures: number;
}

/** When a process is stuck for good, and restarted by its policy. */
export interface LiveSpec extends ProbeQuestion {
  interval: string;
  /** Bad answers do not count before this much after the start. */
  start_period: string;
  /** Bad answers in a row until it is restarted. */
  failures: number;
}

/** How the process is asked to end, and how long it may take before it is killed. */
export interface StopSpec {
  signal: string;
  grace: string;
}

/** When an ended process is started again. */
export interface RestartSpec {
  /** `unless-stopped` is compose's word for `always` here: a stopped service stays stopped. */
  policy: "no" | "on-failure" | "always";
  /** Restarts until it is given up; the count begins anew after `reset_after` of health. */
  max: number;
  /** The first and the longest wait: `500ms..30s`. */
  backoff: string;
  reset_after: string;
}

/** A program run before the process starts, or after it has ended. */
export interface HookSpec {
  argv: string[];
  timeout: string;
}

/** What another service must be before this one starts: the conditions of the compose specification. */
export type DependencyCondition = "service_started" | "service_healthy" | "service_completed_successfully";

/** By handle, or by service of the compose model. */
export type Dependencies = Record<string, DependencyCondition>;

/** What is kept of a service's output. */
export interface LogLimits {
  /** Of one file, before it is rotated and compressed. */
  max_size: string;
  /** Rotated files that are kept. */
  max_files: number;
  max_age: string;
}

export interface IdleSpec {
  /** Nobody has talked to it for this long: it is stopped until the next connection. */
  stop_after: string;
}

/** `relay`: through the proxy container; `direct`: containers connect to the process itself, on an address that the engine's networks reach. */
export type BridgeMode = "relay" | "direct";
