/** What a contract says about a process, as written: `${…}` until resolve-contract.ts has filled it in. */

/** How to tell that the process answers. Durations as text (`60s`), so that a plan reads as the contract does. */
export interface ReadySpec {
  /** Path of an HTTP GET on 127.0.0.1 that must answer 2xx or 3xx; without it a TCP connection is enough. */
  http?: string;
  timeout: string;
  interval: string;
}

/** How the process is asked to end, and how long it may take before it is killed. */
export interface StopSpec {
  signal: string;
  grace: string;
}

/** When an ended process is started again. */
export interface RestartSpec {
  /** `no`, `on-failure`, `always` or `unless-stopped`. */
  policy: string;
  max?: string;
  /** `500ms`, or the first and the longest wait: `500ms..30s`. */
  backoff?: string;
}
