/**
 * The supervisor without its socket: it keeps the world, has each event decided by the state machine, notes on disk what
 * has changed, and has the units do what follows.
 */
import { HarborError } from "../_script/error.ts";
import { isAlive } from "../_script/process-identity.ts";
import { describeChanges, type SpecChanges } from "../native/describe-changes.ts";
import { measureUsage } from "../native/measure-usage.ts";
import { readRecord } from "../native/process-record.ts";
import { fingerprintSpec, type NativeSpec } from "../native/start-process.ts";
import { dependenciesFirst, dependentsFirst } from "./_dependencies.ts";
import { nextDue, step } from "./_machine.ts";
import { policyOf } from "./_policy.ts";
import { reportOf } from "./_report-of.ts";
import { type Effect, EMPTY_WORLD, type Event, type ExternalStatus, type Service, stateOf, type World } from "./_service.ts";
import { newStored, readServices, removeService, type StoredService, writeService } from "./_store.ts";
import { Unit } from "./_unit.ts";
import type { Accepted, ServiceReport, ServiceUsage, StartRequest } from "./report.ts";

export interface SupervisorOptions {
  /** `$HARBOR_HOME/state`. */
  stateDirectory: string;
  /** Told of what is wrong and is nobody's answer: a full disk. */
  onTrouble: (text: string) => void;
  /** Told when a service is another than before. */
  onChange: () => void;
  /** Told when nothing is left to supervise. */
  onQuiet: () => void;
}

/** An event as a unit tells it: time and chance are added here. */
export type Told = Event extends infer E ? (E extends Event ? Omit<E, "at" | "random"> : never) : never;

interface Entry {
  unit: Unit;
  stored: StoredService;
  /** What of it is on disk. */
  written: string;
  /** Why that is not all. */
  unwritten?: string | undefined;
  /** Once it rests, nothing of it is kept. */
  isForgotten: boolean;
  /** Settles when that is done. */
  leaving?: Promise<void>;
}

/** The longest that a timer may be set for: what is due later is looked at again then. */
const LONGEST_TIMER_MS = 60_000;
/** Until what could not be noted is tried again. */
const REWRITE_MS = 500;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #entries = new Map<string, Entry>();
  /** Of these nothing is known, and nothing is done until somebody starts them. */
  readonly #broken = new Set<string>();
  readonly #listeners = new Set<(report: ServiceReport) => void>();
  readonly #queue: Event[] = [];
  #world: World = EMPTY_WORLD;
  #timer: Timer | undefined;
  /** Set while something could not be noted. */
  #rewrite: Timer | undefined;
  #isBusy = false;
  #isClosed = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Takes over what an earlier supervisor left. */
  async load(): Promise<void> {
    const { stateDirectory } = this.#options;
    const { services, broken } = readServices(stateDirectory);
    for (const report of broken) {
      this.#broken.add(report.handle);
      this.#options.onTrouble(`${report.handle}: ${report.why}`);
    }
    for (const stored of dependentsFirst(services)) {
      const { handle } = stored.spec;
      const entry = this.#entry(handle, stored);
      const { wasSpawned, isAlive } = await entry.unit.adopt(stored);
      this.#tellExternals(stored.externals);
      const { spec, run, restarts, wasReady, isWanted, isCompleted, isAsleep, state, why, status, isDegraded } = stored;
      const policy = policyOf(spec, stored);
      // a line of its log is there to be read again; a message to a socket that nobody had open is lost
      const isUnheard = state === "starting" && spec.ready.notify === true;
      const found = { wasSpawned, isAlive, isUnheard, random: Math.random() };
      const said = { status, isDegraded };
      const service = { handle, policy, run, restarts, wasReady, isWanted, isCompleted, isAsleep, state, why, ...said, ...found };
      this.tell({ kind: "adopt", service });
      entry.unit.recall(stored);
    }
    this.#rearm();
  }

  /** Has services started, or started anew where what makes their process is another; others go on under their new rules. */
  async want(requests: readonly StartRequest[], externals: Readonly<Record<string, ExternalStatus>>): Promise<Accepted[]> {
    // what is being removed would take the new one's files along
    await Promise.all(requests.map(({ spec }) => this.#entries.get(spec.handle)?.leaving));
    const accepted = dependenciesFirst(requests).map((request) => this.#accept(request, externals));
    this.#tellExternals(externals);
    for (const { handle, needsRestart } of accepted) {
      const policy = this.#policy(handle);
      this.tell(needsRestart ? { kind: "restart", handle, policy } : { kind: "want", handle, policy });
    }
    return accepted;
  }

  #tellExternals(externals: Readonly<Record<string, ExternalStatus>>): void {
    for (const [name, status] of Object.entries(externals)) this.tell({ kind: "external", name, status });
  }

  #accept({ spec, environment, timeoutMs, isKept }: StartRequest, externals: StoredService["externals"]): Accepted {
    const { handle } = spec;
    const before = this.#entries.get(handle);
    if (before === undefined) this.#refuseUnknown(handle);
    const wasUp = this.#isUp(handle);
    const { changes, needsRestart } = before === undefined ? { changes: [], needsRestart: false } : changesOf(before, spec);
    const stored: StoredService = {
      ...(before?.stored ?? newStored(spec)),
      spec,
      environment,
      externals: { ...before?.stored.externals, ...externals },
      timeoutMs,
      isKept,
    };
    const entry = before ?? this.#entry(handle, stored);
    // the process that runs belongs to what it was started from, until it is started anew
    entry.stored = wasUp && !needsRestart ? { ...stored, environment: before?.stored.environment ?? environment } : stored;
    entry.isForgotten = false;
    // of one that sleeps, what has kept it from being listened for may be over
    if (wasUp && !needsRestart && (changes.length > 0 || stored.isAsleep)) entry.unit.follow(entry.stored);
    if (!wasUp || needsRestart) entry.unit.problem = undefined;
    return { handle, wasUp, changes: wasUp ? changes : [], needsRestart: wasUp && needsRestart };
  }

  /** Beside a process that nothing but its own record tells of, another would be started. */
  #refuseUnknown(handle: string): void {
    const record = readRecord(this.#options.stateDirectory, handle);
    if (record !== undefined && isAlive(record)) {
      const hint = `End it (kill ${record.pid}), then start it again`;
      throw new HarborError(`Cannot start "${handle}": its process ${record.pid} runs, and nothing else is known of it`, { hint });
    }
    this.#broken.delete(handle);
  }

  /** Stops services, those that depend on others first; `forget` removes all that is kept of them. */
  stop(handles: readonly string[], options: { forget: boolean }): void {
    for (const handle of handles) {
      const entry = this.#entries.get(handle);
      if (entry !== undefined) entry.isForgotten ||= options.forget;
    }
    // in one go, so that none is ended before it is known who goes with it
    this.#isBusy = true;
    const known = handles.flatMap((handle) => this.#entries.get(handle)?.stored ?? []);
    for (const { spec } of dependentsFirst(known)) this.tell({ kind: "unwant", handle: spec.handle });
    this.#isBusy = false;
    this.#work();
    this.#forgetResting();
  }

  /** As they were started. */
  restart(handles: readonly string[]): void {
    const unknown = handles.find((handle) => !this.#entries.has(handle));
    if (unknown !== undefined) throw new HarborError(`Cannot restart "${unknown}": it was never started`, { exit: "unknown" });
    for (const handle of handles) {
      (this.#entries.get(handle) as Entry).unit.problem = undefined;
      this.tell({ kind: "restart", handle, policy: this.#policy(handle) });
    }
  }

  reports(handles: readonly string[] = []): ServiceReport[] {
    const known = [...[...this.#entries.keys()].flatMap((handle) => this.#report(handle) ?? []), ...this.#stillBroken()];
    if (handles.length > 0) return handles.flatMap((handle) => known.find((it) => it.handle === handle) ?? []);
    return known.sort((a, b) => (a.handle < b.handle ? -1 : 1));
  }

  /** Until somebody has seen to their files. */
  #stillBroken(): ServiceReport[] {
    if (this.#broken.size === 0) return [];
    return readServices(this.#options.stateDirectory).broken.filter(({ handle }) => this.#broken.has(handle));
  }

  /** Of each that runs. */
  usage(): ServiceUsage[] {
    const running = [...this.#entries].flatMap(([handle, { unit }]) =>
      unit.record === undefined ? [] : [{ handle, record: unit.record }],
    );
    const figures = measureUsage(running.map(({ record }) => record));
    return running.flatMap(({ handle }, index) => {
      const usage = figures[index];
      return usage === undefined || usage.processes === 0 ? [] : [{ handle, ...usage }];
    });
  }

  /** Told of each service that has changed. */
  subscribe(listener: (report: ServiceReport) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.isQuiet) this.#options.onQuiet();
    };
  }

  /** Whether nothing runs, nothing will by itself, nobody waits for anything, and all of it is noted. */
  get isQuiet(): boolean {
    const isLeaving = [...this.#entries.values()].some((entry) => entry.isForgotten);
    return (
      !isLeaving &&
      this.#rewrite === undefined &&
      this.#listeners.size === 0 &&
      [...this.#world.services.values()].every(({ phase }) => phase === "resting")
    );
  }

  /** Leaves everything running as it is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#rewrite);
    await Promise.all([...this.#entries.values()].map(({ unit, leaving }) => leaving ?? unit.close()));
  }

  tell(told: Told): void {
    // what is told of from now on is for the next supervisor to find
    if (this.#isClosed) return;
    this.#queue.push({ random: Math.random(), ...told, at: performance.now() } as Event);
    this.#work();
  }

  /** One event after the other: what is done for one may tell of the next. */
  #work(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) this.#handle(event);
    } finally {
      this.#isBusy = false;
    }
    this.#rearm();
    if (this.isQuiet) this.#options.onQuiet();
  }

  #handle(event: Event): void {
    const { world, effects } = step(this.#world, event);
    const before = this.#world;
    this.#world = world;
    for (const service of world.services.values()) this.#note(service, before.services.get(service.handle));
    for (const effect of effects) this.#carryOut(effect);
    this.#forgetResting();
  }

  /** On disk before it is done; told to whoever listens. */
  #note(service: Service, before: Service | undefined): void {
    const entry = this.#entries.get(service.handle);
    if (entry === undefined) return;
    const state = stateOf(service);
    const { why, status, isDegraded, run, isWanted, isCompleted, isLate, restarts, wasReady } = service;
    if (run !== entry.stored.run || entry.stored.mark === "") entry.stored.mark = `${service.handle}:${crypto.randomUUID()}`;
    if (state !== entry.stored.state) entry.stored.since = new Date().toISOString();
    Object.assign(entry.stored, {
      state,
      why,
      status,
      isDegraded,
      run,
      isWanted,
      isCompleted,
      isLate,
      restarts,
      wasReady,
      isAsleep: service.phase === "asleep",
    });
    const text = JSON.stringify(entry.stored);
    if (text === entry.written) return;
    this.#write(entry, text);
    if (before === undefined || stateOf(before) !== state || before.phase !== service.phase) entry.unit.changed(service, entry.stored);
    this.#options.onChange();
    const report = this.#report(service.handle);
    if (report !== undefined) for (const listener of this.#listeners) listener(report);
  }

  #write(entry: Entry, text: string): void {
    try {
      writeService(this.#options.stateDirectory, entry.stored);
      entry.written = text;
      entry.unwritten = undefined;
    } catch (error) {
      // what runs goes on; a supervisor that starts before the next try sees what was
      entry.unwritten = (error as Error).message;
      this.#options.onTrouble(entry.unwritten);
      this.#rewrite ??= setTimeout(() => this.#writeAgain(), REWRITE_MS);
    }
  }

  #writeAgain(): void {
    this.#rewrite = undefined;
    for (const entry of this.#entries.values()) {
      const text = JSON.stringify(entry.stored);
      if (text !== entry.written) this.#write(entry, text);
    }
    if (this.isQuiet) this.#options.onQuiet();
  }

  #carryOut(effect: Effect): void {
    const entry = this.#entries.get(effect.handle);
    if (entry === undefined) return;
    const { unit, stored, unwritten } = entry;
    if (unwritten !== undefined && isBeginning(effect)) this.tell(refusal(effect, `it cannot be noted: ${unwritten}`));
    else if (effect.kind === "spawn") unit.spawn(stored);
    else if (effect.kind === "hook") unit.runHook(stored, effect.hook);
    else if (effect.kind === "probe") unit.probe(stored, effect);
    else unit.end(stored);
  }

  #forgetResting(): void {
    for (const [handle, entry] of this.#entries) {
      const service = this.#world.services.get(handle);
      // one of which something still runs is not forgotten
      const isAtRest = service === undefined || (service.phase === "resting" && service.after !== "failed");
      if (entry.isForgotten && isAtRest) entry.leaving ??= this.#forget(handle, entry);
    }
  }

  async #forget(handle: string, entry: Entry): Promise<void> {
    await entry.unit.close();
    removeService(this.#options.stateDirectory, handle);
    entry.unit.removeHealth();
    this.#entries.delete(handle);
    this.tell({ kind: "forget", handle });
    const report = { ...reportOf(entry.stored, entry.unit, undefined), isGone: true as const };
    for (const listener of this.#listeners) listener(report);
  }

  #rearm(): void {
    clearTimeout(this.#timer);
    const due = nextDue(this.#world);
    if (due === undefined) return;
    const waitMs = Math.min(Math.max(due - performance.now(), 0), LONGEST_TIMER_MS);
    this.#timer = setTimeout(() => this.tell({ kind: "tick" }), waitMs);
  }

  #entry(handle: string, stored: StoredService): Entry {
    const unit = new Unit({
      handle,
      stateDirectory: this.#options.stateDirectory,
      tell: (told) => this.tell(told),
      onTrouble: this.#options.onTrouble,
      service: () => this.#world.services.get(handle),
    });
    const entry = { unit, stored, written: "", isForgotten: false };
    this.#entries.set(handle, entry);
    return entry;
  }

  #policy(handle: string): ReturnType<typeof policyOf> {
    const { stored } = this.#entries.get(handle) as Entry;
    return policyOf(stored.spec, stored);
  }

  #isUp(handle: string): boolean {
    const service = this.#world.services.get(handle);
    return service?.isWanted === true && service.phase !== "resting";
  }

  #report(handle: string): ServiceReport | undefined {
    const entry = this.#entries.get(handle);
    return entry === undefined ? undefined : reportOf(entry.stored, entry.unit, this.#world.services.get(handle));
  }
}

/** Its process may be older than what was noted last: a supervisor that is killed leaves it so. */
function changesOf({ stored, unit: { record } }: Entry, spec: NativeSpec): SpecChanges {
  const { changes, needsRestart } = describeChanges(stored.spec, spec);
  const isOlder = record?.mark === stored.mark && record.fingerprint !== fingerprintSpec(spec);
  if (!isOlder || needsRestart) return { changes, needsRestart };
  return { changes: [...changes, "what its process was started from"], needsRestart: true };
}

type Beginning = Extract<Effect, { kind: "spawn" | "hook" }>;

/** Something that nobody would find again where its mark is not on disk. */
function isBeginning(effect: Effect): effect is Beginning {
  return effect.kind === "spawn" || (effect.kind === "hook" && effect.hook === "preStart");
}

function refusal(effect: Beginning, why: string): Told {
  const { handle, run } = effect;
  return effect.kind === "spawn"
    ? { kind: "spawnFailed", handle, run, why }
    : { kind: "hookEnded", handle, run, hook: effect.hook, problem: why };
}
