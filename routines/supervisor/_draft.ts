/** One step's working copy of the world, and the moves that a service makes in it. */
import {
  type Effect,
  type Exit,
  type ExternalStatus,
  type Hook,
  type Outcome,
  type Policy,
  type Said,
  type Service,
  stateOf,
  type Timer,
  type World,
} from "./_service.ts";

/** A clock that is this much later than anything that was due has slept: no deadline passed, nobody failed to answer. */
export const SLEPT_MS = 5_000;

/** Every move leaves the service in a phase, with its reason and the timers of that phase alone. */
export class Draft {
  readonly services: Map<string, Service>;
  readonly externals: Map<string, ExternalStatus>;
  readonly effects: Effect[] = [];
  readonly at: number;

  constructor(world: World, at: number) {
    this.services = new Map([...world.services].map(([handle, service]) => [handle, { ...service, timers: { ...service.timers } }]));
    this.externals = new Map(world.externals);
    this.at = at;
  }

  /** After a sleep everything that was due is due as much later, and what was asked before it is asked again. */
  wakeUp(due: number | undefined): void {
    if (due === undefined || this.at - due < SLEPT_MS) return;
    const sleptMs = this.at - due;
    for (const service of this.services.values()) {
      for (const [name, at] of Object.entries(service.timers)) service.timers[name as Timer] = at + sleptMs;
      service.spawnedAt += sleptMs;
      this.askAgain(service);
    }
  }

  /** One that is to start as soon as what it depends on allows. */
  add(handle: string, policy: Policy): Service {
    const service: Service = {
      handle,
      policy,
      phase: "waiting",
      isHealthy: false,
      isDegraded: false,
      status: "",
      why: "asked for",
      since: this.at,
      isWanted: true,
      run: 0,
      spawnedAt: this.at,
      restarts: 0,
      wasReady: false,
      isCompleted: false,
      after: "stopped",
      afterWhy: "",
      successes: 0,
      failures: 0,
      liveFailures: 0,
      epoch: 0,
      lastSeen: "",
      isLate: false,
      extendedMs: 0,
      hasSurvivors: false,
      timers: {},
    };
    this.services.set(handle, service);
    return service;
  }

  /** Into another phase; the timers of the old one are off. */
  enter(service: Service, phase: Service["phase"], why: string): void {
    const before = stateOf(service);
    const { backoff } = service.timers;
    // one that leaves may be asked for again: it is then what it was
    Object.assign(service, { phase, why, isHealthy: phase === "leaving" && service.isHealthy });
    // a wait that has begun goes on while what went before is cleaned up
    service.timers = backoff !== undefined && (phase === "ending" || phase === "finishing") ? { backoff } : {};
    if (stateOf(service) !== before) service.since = this.at;
  }

  wait(service: Service, why: string): void {
    this.enter(service, "waiting", why);
  }

  /** Anew, as if it had never run. */
  begin(service: Service): void {
    Object.assign(service, { restarts: 0, wasReady: false, isCompleted: false });
    if (service.hasSurvivors) this.end(service, "start", "what is left of it goes first");
    else this.wait(service, "asked for");
  }

  /** Whatever it waited for is there. A restart by itself goes without pre_start. */
  start(service: Service): void {
    service.run++;
    Object.assign(service, { isCompleted: false, isLate: false });
    this.unsay(service);
    if (service.policy.hasPreStart && service.restarts === 0) {
      this.enter(service, "preparing", "its pre_start runs");
      this.#hook(service, "preStart");
    } else this.spawn(service);
  }

  spawn(service: Service): void {
    this.enter(service, "spawning", service.restarts > 0 ? `restart ${service.restarts}` : "its process is being started");
    this.effects.push({ kind: "spawn", handle: service.handle, run: service.run });
  }

  /** It runs. */
  spawned(service: Service): void {
    Object.assign(service, { spawnedAt: this.at, successes: 0, failures: 0, liveFailures: 0, lastSeen: "", extendedMs: 0 });
    const { ready, live } = service.policy;
    if (ready === undefined) {
      this.up(service, true, "it runs");
      return;
    }
    this.enter(service, "starting", "it runs, and is not ready yet");
    service.timers.deadline = this.at + ready.deadlineMs;
    if (ready.how === "ask") service.timers.ready = this.at + ready.startPeriodMs;
    if (live?.how === "ask") service.timers.live = this.at + live.intervalMs;
  }

  up(service: Service, isHealthy: boolean, why: string): void {
    const { ready, live } = service.policy;
    const isAskedAlready = service.phase === "starting";
    const liveAt = isAskedAlready ? service.timers.live : this.at + (live?.intervalMs ?? 0);
    this.enter(service, "up", why);
    Object.assign(service, { isHealthy, wasReady: service.wasReady || isHealthy, successes: 0, failures: 0 });
    if (service.restarts > 0 && isHealthy) service.timers.reset = this.at + service.policy.resetAfterMs;
    if (ready?.how === "ask") service.timers.ready = this.at + ready.intervalMs;
    if (live?.how === "ask" && liveAt !== undefined) service.timers.live = liveAt;
    this.giveReason(service);
  }

  /** What its process says of itself. */
  hearSaid(service: Service, { status = service.status, isDegraded = service.isDegraded, extendMs = 0 }: Said): void {
    const before = stateOf(service);
    Object.assign(service, { status, isDegraded });
    this.#extend(service, extendMs);
    this.giveReason(service);
    const state = stateOf(service);
    if (state === before) return;
    service.since = this.at;
    if (state === "ready") service.why = "it says that it is well again";
  }

  /** Of one that is degraded: its own words, where it has any. */
  giveReason(service: Service): void {
    if (stateOf(service) === "degraded") service.why = service.status === "" ? "it says that a part of it is missing" : service.status;
  }

  /** Never sooner than it was due; of a deadline that nobody has set there is nothing to put off. */
  #extend(service: Service, extendMs: number): void {
    const { timers, policy } = service;
    const at = this.at + extendMs;
    if (timers.deadline === undefined || at <= timers.deadline || !policy.ready?.isExtensible) return;
    timers.deadline = at;
    service.extendedMs = extendMs;
  }

  /** What a process said of itself holds for as long as it runs. */
  unsay(service: Service): void {
    Object.assign(service, { isDegraded: false, status: "" });
  }

  /** Ends its session; what then follows is `after`. */
  end(service: Service, after: Outcome, why: string): void {
    this.enter(service, "ending", after === "stopped" ? "being stopped" : why);
    this.follow(service, after, why);
    this.effects.push({ kind: "end", handle: service.handle, run: service.run });
  }

  follow(service: Service, after: Outcome, why: string): void {
    service.after = after;
    service.afterWhy = why;
    if (after !== "backing-off") delete service.timers.backoff;
  }

  /** What follows the end of a process that nobody asked to end. */
  followExit(service: Service, exit: Exit, random: number, wasStarting: boolean): void {
    const how = `its process ended${wordExit(exit)}`;
    const { restart, ready } = service.policy;
    const isClean = exit.code === 0 && !(wasStarting && ready !== undefined);
    if (isClean && restart !== "always") {
      service.isCompleted = true;
      this.follow(service, "completed", how);
    } else if (!service.wasReady) this.follow(service, "failed", `${how} before it was ready`);
    else this.retry(service, how, random);
  }

  /** Once more, where its policy says so: after a wait that doubles each time, and not for ever. */
  retry(service: Service, why: string, random: number): void {
    const { restart, max, backoffMs } = service.policy;
    if (restart === "no") this.follow(service, "failed", why);
    else if (service.restarts >= max) this.follow(service, "failed", `${why}; its ${max} restarts are used up`);
    else {
      const plain = Math.min(backoffMs.first * 2 ** service.restarts, backoffMs.longest);
      // up to a quarter sooner: what fell together does not come back together
      service.timers.backoff = this.at + plain * (1 - random / 4);
      this.follow(service, "backing-off", why);
    }
  }

  /** Its session is gone: post_stop, then what follows. */
  cleared(service: Service, survivors?: string): void {
    service.hasSurvivors = survivors !== undefined;
    this.unsay(service);
    if (survivors !== undefined) this.follow(service, "failed", survivors);
    if (service.policy.hasPostStop) {
      this.enter(service, "finishing", "its post_stop runs");
      this.#hook(service, "postStop");
    } else this.finish(service);
  }

  finish(service: Service): void {
    const { after, afterWhy, timers } = service;
    if (after === "start") this.begin(service);
    else if (after === "asleep") this.enter(service, "asleep", afterWhy);
    else if (after === "backing-off") {
      const due = timers.backoff ?? this.at;
      this.enter(service, "backing-off", afterWhy);
      service.timers.backoff = due;
    } else this.rest(service, after, afterWhy);
  }

  rest(service: Service, after: Outcome, why: string): void {
    this.follow(service, after, why);
    this.enter(service, "resting", why);
  }

  /** Running, under rules that may have changed. */
  applyPolicy(service: Service): void {
    const { ready, live } = service.policy;
    if (service.phase !== "starting" && service.phase !== "up") return;
    if (ready === undefined && service.phase === "starting") {
      this.up(service, true, "it runs");
      return;
    }
    if (ready?.how !== "ask") delete service.timers.ready;
    if (live?.how !== "ask") delete service.timers.live;
    if (service.phase === "up" && !service.isHealthy && ready !== undefined) {
      // whoever asks for it waits no longer for it to be well again than for a start
      service.isLate = false;
      service.timers.deadline = this.at + ready.deadlineMs;
      service.extendedMs = 0;
    }
    this.askAgain(service);
  }

  /** Answers to attempts that are under way do not count; they are made anew. */
  askAgain(service: Service): void {
    service.epoch++;
    if (service.phase !== "starting" && service.phase !== "up") return;
    if (service.policy.ready?.how === "ask") service.timers.ready ??= this.at;
    if (service.policy.live?.how === "ask") service.timers.live ??= this.at;
  }

  #hook({ handle, run }: Service, hook: Hook): void {
    this.effects.push({ kind: "hook", handle, run, hook });
  }
}

/** ` with exit code 1`, ` by SIGKILL`, or nothing where nobody saw it. */
export function wordExit({ code, signal }: Exit): string {
  if (code !== null) return ` with exit code ${code}`;
  return signal === null ? "" : ` by ${signal}`;
}
