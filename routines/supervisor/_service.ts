/** The words of the supervisor's state machine: what is known of one service, what happens to it, what is to be done. */

/** What a person sees. `degraded`: ready, with a part of it missing, as it says itself. */
export type ServiceState = "pending" | "starting" | "ready" | "degraded" | "unhealthy" | "backing-off" | "stopping" | "stopped" | "failed";

/**
 * Where a service is, finer than its state. `waiting`: for what it depends on. `preparing`: pre_start runs.
 * `spawning`: its process was asked for. `starting`: it runs, and is not ready yet. `leaving`: it runs on until
 * what depends on it has ended. `ending`: its session is being ended. `finishing`: post_stop runs. `resting`:
 * nothing runs, nothing will until something happens. `asleep`: as resting, until somebody connects.
 */
export type Phase =
  | "waiting"
  | "preparing"
  | "spawning"
  | "starting"
  | "up"
  | "leaving"
  | "ending"
  | "finishing"
  | "backing-off"
  | "resting"
  | "asleep";

export type Condition = "service_started" | "service_healthy" | "service_completed_successfully";

/** How often one kind of probe asks, and what its answers mean. Milliseconds. */
export interface ProbePolicy {
  /** `ask`: by attempts of our own; `event`: it is told to us (a log line, sd_notify). */
  how: "ask" | "event";
  intervalMs: number;
  startPeriodMs: number;
  failures: number;
}

export interface ReadyPolicy extends ProbePolicy {
  deadlineMs: number;
  /** It may ask for more time than that; not where somebody has said how long to wait. */
  isExtensible: boolean;
  startIntervalMs: number;
  successes: number;
}

/** A contract's rules in milliseconds. */
export interface Policy {
  restart: "no" | "on-failure" | "always";
  max: number;
  backoffMs: { first: number; longest: number };
  resetAfterMs: number;
  /** Without one it is ready as soon as it runs. */
  ready: ReadyPolicy | undefined;
  live: ProbePolicy | undefined;
  /** One that is not ready by its deadline runs on, unhealthy, for somebody to look at. */
  isKept: boolean;
  hasPreStart: boolean;
  hasPostStop: boolean;
  dependsOn: Readonly<Record<string, Condition>>;
}

/** What follows once its session has ended. */
export type Outcome = "stopped" | "start" | "backing-off" | "failed" | "completed" | "asleep";

/** Milliseconds of the supervisor's own clock at which something is due. */
export type Timer = "deadline" | "ready" | "live" | "backoff" | "reset";

export interface Service {
  readonly handle: string;
  policy: Policy;
  phase: Phase;
  /** In the phase `up`; in `leaving`, whether it was. */
  isHealthy: boolean;
  /** A part of it is missing, its process says: of this run alone. */
  isDegraded: boolean;
  /** What its process says of itself, in its own words; empty where it has said nothing. */
  status: string;
  why: string;
  /** Since when it has been in this state, on the supervisor's clock. */
  since: number;
  /** False once somebody has asked for its stop. */
  isWanted: boolean;
  /** Counts its processes; what is told of an earlier one is not heard. */
  run: number;
  /** When this run's process began. */
  spawnedAt: number;
  /** Since it was last healthy for long enough. */
  restarts: number;
  /** Since somebody asked for it: one that was never ready is not restarted. */
  wasReady: boolean;
  /** It ended by itself, with exit code 0. */
  isCompleted: boolean;
  after: Outcome;
  /** Why, once `after` has come about. */
  afterWhy: string;
  successes: number;
  failures: number;
  liveFailures: number;
  /** Answers to attempts from before the machine slept do not count. */
  epoch: number;
  /** What the last attempt saw instead of a good answer. */
  lastSeen: string;
  /** It was not ready by its deadline. */
  isLate: boolean;
  /** How long it asked for when it last put its deadline off; 0 where it did not. */
  extendedMs: number;
  /** Some of its processes did not end, not even by SIGKILL. */
  hasSurvivors: boolean;
  timers: Partial<Record<Timer, number>>;
}

/** What another part of the stack is, as far as somebody told. */
export type ExternalStatus = "started" | "healthy" | "completed" | "failed";

export interface World {
  services: ReadonlyMap<string, Service>;
  /** What services depend on and is no service here: containers. */
  externals: ReadonlyMap<string, ExternalStatus>;
}

export type Hook = "preStart" | "postStop";
export type ProbeName = "ready" | "live";

/** What happened, each at a time of the supervisor's clock (milliseconds). */
export type Event = { at: number } & (
  | { kind: "want"; handle: string; policy: Policy }
  | { kind: "unwant"; handle: string }
  | { kind: "restart"; handle: string; policy: Policy }
  | { kind: "forget"; handle: string }
  | { kind: "external"; name: string; status: ExternalStatus }
  | { kind: "adopt"; service: Adopted }
  | { kind: "spawned"; handle: string; run: number }
  | { kind: "spawnFailed"; handle: string; run: number; why: string; random: number }
  | { kind: "exited"; handle: string; run: number; exit: Exit; random: number }
  | { kind: "ended"; handle: string; run: number; survivors?: string }
  | { kind: "hookEnded"; handle: string; run: number; hook: Hook; problem?: string }
  | { kind: "probed"; handle: string; run: number; probe: ProbeName; epoch: number; problem?: string; random: number }
  | ({ kind: "said"; handle: string; run: number } & Said)
  | { kind: "idle"; handle: string; why: string }
  | { kind: "connected"; handle: string }
  | { kind: "tick"; random: number }
);

/** What a process says of itself; what it says nothing of is not there. */
export interface Said {
  status?: string;
  isDegraded?: boolean;
  /** It needs this long from now on. */
  extendMs?: number;
}

/** How a process ended; neither code nor signal where the one who saw it is gone. */
export interface Exit {
  code: number | null;
  signal: string | null;
}

/** A service that an earlier supervisor left. */
export interface Adopted {
  handle: string;
  policy: Policy;
  run: number;
  restarts: number;
  wasReady: boolean;
  isWanted: boolean;
  isCompleted: boolean;
  isDegraded: boolean;
  status: string;
  /** `resting` ones keep what they were: a stopped one stays stopped. */
  state: ServiceState;
  why: string;
  isAsleep: boolean;
  /** Whether this run had a process, as far as was noted. */
  wasSpawned: boolean;
  /** Whether that still runs. */
  isAlive: boolean;
  /** It says by itself that it is ready, and may have done so while nobody listened. */
  isUnheard: boolean;
  random: number;
}

/** What is to be done; each is answered by an event. */
export type Effect =
  | { kind: "hook"; handle: string; run: number; hook: Hook }
  | { kind: "spawn"; handle: string; run: number }
  | { kind: "probe"; handle: string; run: number; probe: ProbeName; epoch: number; isFirst: boolean }
  /** Ends the session of this run and a hook that still runs. */
  | { kind: "end"; handle: string; run: number };

export interface Step {
  world: World;
  effects: Effect[];
}

export const EMPTY_WORLD: World = { services: new Map(), externals: new Map() };

const STATES: Record<Exclude<Phase, "up" | "resting">, ServiceState> = {
  waiting: "pending",
  preparing: "starting",
  spawning: "starting",
  starting: "starting",
  leaving: "stopping",
  ending: "stopping",
  finishing: "stopping",
  "backing-off": "backing-off",
  asleep: "stopped",
};

/** The state that a phase looks like from outside. */
export function stateOf(service: Pick<Service, "phase" | "isHealthy" | "isDegraded" | "after">): ServiceState {
  if (service.phase === "up") return service.isHealthy ? (service.isDegraded ? "degraded" : "ready") : "unhealthy";
  if (service.phase === "resting") return service.after === "failed" ? "failed" : "stopped";
  return STATES[service.phase];
}

/** Whether it answers as it should, be it with a part of it missing. */
export function isUsable(state: ServiceState): state is "ready" | "degraded" {
  return state === "ready" || state === "degraded";
}

/** Whether a process of it may run. */
export function mayRun({ phase }: Service): boolean {
  return phase === "spawning" || phase === "starting" || phase === "up" || phase === "leaving" || phase === "ending";
}
