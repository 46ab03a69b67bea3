/** What the supervisor and those who ask it say to each other: JSON over a unix socket. */
import type { Exit as ExitCode } from "../_script/error.ts";
import type { Usage } from "../native/measure-usage.ts";
import type { NativeSpec } from "../native/start-process.ts";
import type { StartRules } from "./_policy.ts";
import type { ExternalStatus, ServiceState } from "./_service.ts";

export { type ExternalStatus, isUsable, type ServiceState } from "./_service.ts";

/** What a service is right now. */
export interface ServiceReport {
  handle: string;
  state: ServiceState;
  why: string;
  /** ISO 8601: since when it has been in that state. */
  since: string;
  /** What its process says of itself by sd_notify(3), in its own words; empty where it says nothing, or none runs. */
  status: string;
  /** Null where no process of it runs. */
  pid: number | null;
  port: number | null;
  /** ISO 8601, of the process that runs or ran last. */
  startedAt: string | null;
  /** Which start its latest lines belong to, as the log counts them. */
  logRun: number | null;
  /** Counts its processes. */
  run: number;
  /** Since it was last healthy for long enough. */
  restarts: number;
  isWanted: boolean;
  /** Stopped until somebody connects. */
  isAsleep: boolean;
  /** It ended by itself, with exit code 0. */
  isCompleted: boolean;
  /** It was not ready by its deadline. */
  isLate: boolean;
  /** What the last attempt of the probe saw instead of a good answer. */
  lastSeen: string;
  contract: string;
  /** Native services by handle, all else by service of the compose model. */
  dependsOn: string[];
  /** Its last stop took more than the signal that asked for it. */
  wasKilled: boolean;
  /** Why it could not even begin. */
  problem?: Problem;
  /** Nothing of it is left, and nothing is known of it any more. */
  isGone?: true;
}

/** What the processes of a service use. */
export interface ServiceUsage extends Usage {
  handle: string;
}

/** An error as it travels. */
export interface Problem {
  message: string;
  exit: ExitCode;
  details: readonly string[];
  hint?: string;
}

/** A service that is to run. */
export interface StartRequest extends StartRules {
  spec: NativeSpec;
  /** The host's part of its environment. */
  environment: Record<string, string>;
}

/** `ready`: it can be used, or has done what it was for. `completed`: it has. `settled`: as it is, for as long as nothing happens. */
export type Goal = "ready" | "completed" | "settled";

export interface StartServices {
  services: StartRequest[];
  /** Handle → what the answer waits for; the others go on as they do. */
  waitFor: Readonly<Record<string, Goal>>;
  /** What services depend on that is none of these: containers, as they are now. */
  externals: Readonly<Record<string, ExternalStatus>>;
}

/** How the supervisor took a request. */
export interface Accepted {
  handle: string;
  /** It ran, or was about to. */
  wasUp: boolean;
  /** What is different from how it was started, in words. */
  changes: string[];
  /** Its process is started anew for that. */
  needsRestart: boolean;
}

/** A line of an answer that goes on until what was asked for has come about. */
export type Line =
  | { kind: "accepted"; services: Accepted[] }
  | { kind: "report"; report: ServiceReport }
  | { kind: "settled"; services: ServiceReport[] };

export interface StopRequest {
  /** All when empty. */
  handles: string[];
  /** Removes what is kept of them: log, record. */
  forget: boolean;
}

export interface RestartRequest {
  handles: string[];
}

/** Who answers. */
export interface Hello {
  version: string;
  pid: number;
  home: string;
  /** ISO 8601. */
  startedAt: string;
  services: number;
  /** Resident memory, in bytes. */
  memory: number;
  /** What is wrong and is nobody's answer: a full disk. */
  troubles: string[];
}
