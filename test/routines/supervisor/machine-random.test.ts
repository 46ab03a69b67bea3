/**
 * Random courses of events, and what must hold in all of them. What the supervisor would do is done by a simulated
 * host: processes start, answer, crash and end, late and in any order.
 */
import { describe, expect, test } from "bun:test";
import { nextDue, step } from "../../../routines/supervisor/_machine.ts";
import {
  type Effect,
  EMPTY_WORLD,
  type Event,
  isUsable,
  mayRun,
  type Policy,
  type Service,
  stateOf,
  type World,
} from "../../../routines/supervisor/_service.ts";
import { Random } from "../../differential/_random.ts";
import { LIVE, policyOf, READY } from "./_world.ts";

const HANDLES = ["a", "b", "c", "d", "e"] as const;
const CONDITIONS = ["service_started", "service_healthy", "service_completed_successfully"] as const;

/** Work under way on the simulated host. */
type Job = Extract<Effect, { kind: "hook" | "probe" | "end" }>;

class Simulation {
  world: World = EMPTY_WORLD;
  at = 0;
  readonly random: Random;
  /** Handle → the run whose process lives. */
  readonly processes = new Map<string, number>();
  readonly jobs: Job[] = [];
  readonly policies: Map<string, Policy>;
  /** What depended on what when each was ended, for the order of stops. */
  readonly violations: string[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
    this.policies = new Map(HANDLES.map((handle, index) => [handle, this.#policy(index)]));
  }

  /** Only earlier handles are depended on: no circle. */
  #policy(index: number): Policy {
    const { random } = this;
    const others = HANDLES.slice(0, index).filter(() => random.chance(0.4));
    return policyOf({
      restart: random.pick(["no", "on-failure", "always"]),
      max: random.below(4),
      resetAfterMs: random.pick([1_000, 60_000]),
      ready: random.chance(0.2) ? undefined : { ...READY, how: random.chance(0.8) ? "ask" : "event", isExtensible: random.chance(0.8) },
      live: random.chance(0.3) ? LIVE : undefined,
      hasPreStart: random.chance(0.3),
      hasPostStop: random.chance(0.3),
      dependsOn: Object.fromEntries(others.map((name) => [name, random.pick(CONDITIONS)])),
    });
  }

  tell(event: Event): void {
    const before = this.world;
    const { world, effects } = step(before, event);
    this.world = world;
    for (const effect of effects) this.#carryOut(effect, before);
    this.#check(event);
  }

  #carryOut(effect: Effect, before: World): void {
    if (effect.kind !== "spawn") {
      if (effect.kind === "end") this.#checkOrder(effect.handle, before);
      this.jobs.push(effect);
      return;
    }
    const { handle, run } = effect;
    if (this.processes.has(handle)) this.violations.push(`${handle}: run ${run} started beside run ${this.processes.get(handle)}`);
    if (this.random.chance(0.1)) this.tell({ at: this.at, kind: "spawnFailed", handle, run, why: "no such program", random: 0 });
    else {
      this.processes.set(handle, run);
      this.tell({ at: this.at, kind: "spawned", handle, run });
    }
  }

  /** One that is stopped with others goes after those that depend on it. */
  #checkOrder(handle: string, before: World): void {
    const phase = before.services.get(handle)?.phase;
    const isStop = phase === "starting" || phase === "up" || phase === "leaving";
    if (!isStop || !this.processes.has(handle) || this.world.services.get(handle)?.isWanted) return;
    for (const other of this.world.services.values()) {
      const goesBefore = handle in other.policy.dependsOn && !other.isWanted && this.processes.has(other.handle);
      if (goesBefore) this.violations.push(`${handle} was ended while ${other.handle} still ran`);
    }
  }

  #check(event: Event): void {
    for (const service of this.world.services.values()) {
      for (const fault of this.#faultsOf(service))
        this.violations.push(`after ${event.kind}: ${service.handle} ${service.phase}: ${fault}`);
    }
  }

  #faultsOf(service: Service): string[] {
    const process = this.processes.get(service.handle);
    const isAlive = process !== undefined;
    const rules: [boolean, string][] = [
      [isAlive && !mayRun(service), "a process runs"],
      [isAlive && process !== service.run, `run ${process} lives, not ${service.run}`],
      [!Object.values(service.timers).every(Number.isFinite), `timers ${JSON.stringify(service.timers)}`],
      [service.restarts > service.policy.max, `${service.restarts} restarts`],
      [service.phase === "waiting" && Object.keys(service.policy.dependsOn).length === 0, "it waits for nothing"],
      [service.since > this.at, "since the future"],
      [!isAlive && (service.isDegraded || service.status !== ""), "what a process that is gone has said holds"],
      [(stateOf(service) === "degraded") !== (service.phase === "up" && service.isHealthy && service.isDegraded), "it is not what it says"],
      [stateOf(service) === "degraded" && service.status !== "" && service.why !== service.status, `degraded, as ${service.why}`],
      [!service.policy.ready?.isExtensible && service.extendedMs > 0, "it got time that nobody had to give"],
    ];
    return rules.flatMap(([isFault, fault]) => (isFault ? [fault] : []));
  }

  /** Something happens. */
  happen(): void {
    const { random } = this;
    const handle = random.pick(HANDLES);
    const roll = random.below(100);
    if (roll < 12) this.tell({ at: this.at, kind: "want", handle, policy: this.policies.get(handle) as Policy });
    else if (roll < 18) this.tell({ at: this.at, kind: "unwant", handle });
    else if (roll < 23) this.tell({ at: this.at, kind: "restart", handle, policy: this.policies.get(handle) as Policy });
    else if (roll < 25) this.tell({ at: this.at, kind: "idle", handle, why: "quiet" });
    else if (roll < 28) this.tell({ at: this.at, kind: "connected", handle });
    else if (roll < 30) this.tell({ at: this.at, kind: "forget", handle });
    else if (roll < 38) this.crash();
    else if (roll < 39) this.pass(3_600_000);
    else if (roll < 41) this.stale(handle);
    else if (roll < 48) this.speak();
    else if (roll < 70) this.finishJob(random.below(Math.max(this.jobs.length, 1)), random.chance(0.7));
    else this.pass();
  }

  pass(ms?: number): void {
    const due = nextDue(this.world);
    this.at += ms ?? (due === undefined ? this.random.below(1_000) : Math.max(0, due - this.at));
    this.tell({ at: this.at, kind: "tick", random: this.random.next() });
  }

  crash(): void {
    const alive = [...this.processes];
    if (alive.length === 0) return;
    const [handle, run] = this.random.pick(alive);
    this.processes.delete(handle);
    const code = this.random.pick([0, 1, null]);
    this.tell({
      at: this.at,
      kind: "exited",
      handle,
      run,
      exit: { code, signal: code === null ? "SIGKILL" : null },
      random: this.random.next(),
    });
  }

  /** A process says something of itself: nothing is done for it, no state but that between ready and degraded follows, no deadline comes sooner. */
  speak(): void {
    const { random } = this;
    const alive = [...this.processes];
    if (alive.length === 0) return;
    const [handle, run] = random.pick(alive);
    const before = this.world.services.get(handle);
    const jobs = this.jobs.length;
    const status = random.pick([{}, { status: "" }, { status: `word ${random.below(5)}` }]);
    const health = random.pick([{}, { isDegraded: true }, { isDegraded: false }]);
    const more = random.pick([{}, { extendMs: random.below(200_000) }]);
    this.tell({ at: this.at, kind: "said", handle, run, ...status, ...health, ...more });
    const after = this.world.services.get(handle);
    if (before === undefined || after === undefined) return;
    const isUsual = before.phase === after.phase && before.isHealthy === after.isHealthy && this.jobs.length === jobs;
    const [deadline = Number.NaN, later = Number.NaN] = [before.timers.deadline, after.timers.deadline];
    if (!isUsual || later < deadline || Number.isNaN(later) !== Number.isNaN(deadline))
      this.violations.push(`${handle}: its words changed it`);
  }

  /** What is told of an earlier process, or of an attempt from before a sleep. */
  stale(handle: string): void {
    const service = this.world.services.get(handle);
    if (service === undefined) return;
    const before = snapshot(service);
    const run = service.run - 1;
    this.tell({ at: this.at, kind: "exited", handle, run, exit: { code: 1, signal: null }, random: 0 });
    this.tell({ at: this.at, kind: "ended", handle, run });
    this.tell({ at: this.at, kind: "said", handle, run, status: "late", isDegraded: !service.isDegraded, extendMs: 600_000 });
    this.tell({ at: this.at, kind: "probed", handle, run, probe: "live", epoch: service.epoch, problem: "late", random: 0 });
    const after = this.world.services.get(handle);
    if (after === undefined || snapshot(after) !== before) this.violations.push(`${handle}: what is past changed it`);
  }

  finishJob(index: number, isGood: boolean): void {
    const [job] = this.jobs.splice(index, 1);
    if (job === undefined) return;
    const { handle, run } = job;
    const problem = isGood ? {} : { problem: "no" };
    if (job.kind === "end") {
      if (this.processes.get(handle) === run) this.processes.delete(handle);
      this.tell({ at: this.at, kind: "ended", handle, run });
    } else if (job.kind === "hook") this.tell({ at: this.at, kind: "hookEnded", handle, run, hook: job.hook, ...problem });
    else {
      const isAsked = this.processes.get(handle) === run;
      const { probe, epoch } = job;
      this.tell({
        at: this.at,
        kind: "probed",
        handle,
        run,
        probe,
        epoch,
        random: 0,
        ...(isAsked ? problem : { problem: "nothing listens" }),
      });
    }
  }

  /** Everything goes well from here on, until nothing is left to do. */
  drain(isDone: () => boolean): void {
    for (let turn = 0; turn < 5_000 && !isDone(); turn++) {
      if (this.jobs.length > 0) this.finishJob(0, true);
      else {
        this.tellEvents();
        this.pass();
      }
    }
  }

  /** The log line, or READY=1, of those that are ready by being told so. */
  tellEvents(): void {
    for (const service of this.world.services.values()) {
      const { handle, run, epoch, phase, policy } = service;
      if (phase === "starting" && policy.ready?.how === "event")
        this.tell({ at: this.at, kind: "probed", handle, run, probe: "ready", epoch, random: 0 });
    }
  }

  all(holds: (service: Service) => boolean): boolean {
    return [...this.world.services.values()].every(holds);
  }
}

function snapshot({ handle, phase, run, why, restarts, isHealthy, after, status, isDegraded, timers }: Service): string {
  return JSON.stringify([handle, phase, run, why, restarts, isHealthy, after, status, isDegraded, timers]);
}

const COURSES = 400;
const LENGTH = 300;

describe("in any course of events", () => {
  test("no service has two processes, no stop goes before its turn, and nothing of the past counts", () => {
    for (let seed = 1; seed <= COURSES; seed++) {
      const simulation = new Simulation(seed);
      for (let i = 0; i < LENGTH; i++) simulation.happen();
      expect([seed, simulation.violations]).toEqual([seed, []]);
    }
  });

  test("whatever happened, asked to stop everything comes to rest", () => {
    for (let seed = 1; seed <= COURSES; seed++) {
      const simulation = new Simulation(seed);
      for (let i = 0; i < LENGTH; i++) simulation.happen();
      for (const handle of HANDLES) simulation.tell({ at: simulation.at, kind: "unwant", handle });
      simulation.drain(() => simulation.all(({ phase }) => phase === "resting"));
      const states = [...simulation.world.services.values()]
        .map((it) => `${it.handle} ${it.phase}`)
        .filter((it) => !it.endsWith("resting"));
      expect([seed, states, [...simulation.processes.keys()], simulation.violations]).toEqual([seed, [], [], []]);
    }
  });

  test("whatever happened, one that is asked for comes up again where all goes well", () => {
    for (let seed = 1; seed <= COURSES; seed++) {
      const simulation = new Simulation(seed);
      for (let i = 0; i < LENGTH; i++) simulation.happen();
      // what waits for a job to complete would wait for it to end
      const handle = HANDLES.find((it) => Object.keys(simulation.policies.get(it)?.dependsOn ?? {}).length === 0) ?? "a";
      const isUp = (): boolean => {
        const service = simulation.world.services.get(handle);
        return service !== undefined && (isUsable(stateOf(service)) || service.phase === "asleep");
      };
      for (let attempt = 0; attempt < 20 && !isUp(); attempt++) {
        simulation.tell({ at: simulation.at, kind: "want", handle, policy: simulation.policies.get(handle) as Policy });
        simulation.drain(() => isUp() || simulation.world.services.get(handle)?.phase === "resting");
      }
      expect([seed, isUp(), simulation.violations]).toEqual([seed, true, []]);
    }
  });

  test("the world that was given is left as it is", () => {
    const simulation = new Simulation(7);
    for (let i = 0; i < 200; i++) {
      const before = structuredClone(simulation.world);
      const given = simulation.world;
      step(given, { at: simulation.at + 50, kind: "tick", random: 0.3 });
      expect(given).toEqual(before);
      simulation.happen();
    }
  });
});
