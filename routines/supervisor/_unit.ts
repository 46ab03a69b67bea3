/**
 * What there really is of one service: its process, its hooks, its log, its probes. It decides nothing: it does what it is
 * told, and tells what has happened.
 */
import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { isAlive } from "../_script/process-identity.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { endSession } from "../native/end-session.ts";
import { LogKeeper } from "../native/keep-log.ts";
import {
  compileLogProbe,
  findIntruder,
  type NotifyMessage,
  NotifySocket,
  type ProbeResult,
  probeKind,
  probeOnce,
} from "../native/probe-process.ts";
import { type ProcessRecord, readRecord, recordPaths, removeRecord } from "../native/process-record.ts";
import { type LogEntry, readLog } from "../native/read-log.ts";
import { atPort, type LogLimits } from "../native/resolve-contract.ts";
import { type HookRun, runHook } from "../native/run-hook.ts";
import { findMembers } from "../native/session-members.ts";
import { environmentOf, spawnProcess } from "../native/start-process.ts";
import { OwnWords } from "./_own-words.ts";
import { type Effect, type Hook, isUsable, type ProbeName, type Service, stateOf } from "./_service.ts";
import { Sleeper } from "./_sleeper.ts";
import type { StoredService } from "./_store.ts";
import type { Told } from "./_supervisor.ts";
import type { Problem } from "./report.ts";

export interface UnitOptions {
  handle: string;
  /** `$HARBOR_HOME/state`. */
  stateDirectory: string;
  tell: (told: Told) => void;
  onTrouble: (text: string) => void;
  /** What the state machine makes of it right now. */
  service: () => Service | undefined;
}

/** How often a process that is not our child is looked at: nobody tells when it ends. */
const LOOK_MS = 100;
const LOOKS_PER_IDENTITY = 50;
/** Of a line of the log, in a reason. */
const SAID_LENGTH = 120;

export class Unit {
  readonly #options: UnitOptions;
  readonly #folder: string;
  /** The process that runs or ran last. */
  record: ProcessRecord | undefined;
  /** Why the last start could not even begin. */
  problem: Problem | undefined;
  /** Which start its latest lines belong to, as the log counts them. */
  logRun: number | undefined;
  /** Its last stop took more than the signal that asked for it. */
  wasKilled = false;
  #keeper: LogKeeper | undefined;
  #limits: LogLimits | undefined;
  #notify: NotifySocket | undefined;
  #hook: HookRun | undefined;
  #look: Timer | undefined;
  readonly #sleeper: Sleeper;
  /** Each line of its log. */
  #hear: (line: string) => void = () => undefined;
  #hasSaidAlive = false;
  readonly #words: OwnWords;
  /** Until when it has asked not to be killed, while it is being ended. */
  #askedUntilMs = 0;
  #mayBeDaemon = false;
  /** One thing after the other: what is being started is ended once it is there. */
  #work: Promise<unknown> = Promise.resolve();
  #attempts = new AbortController();
  readonly #leaving = new AbortController();

  constructor(options: UnitOptions) {
    this.#options = options;
    this.#folder = recordPaths(options.stateDirectory, options.handle).folder;
    const { handle, tell } = options;
    this.#words = new OwnWords((said) => {
      const run = options.service()?.run;
      if (run !== undefined) tell({ kind: "said", handle, run, ...said });
    });
    this.#sleeper = new Sleeper({
      handle,
      onConnected: () => tell({ kind: "connected", handle }),
      onIdle: (why) => tell({ kind: "idle", handle, why }),
    });
  }

  /** Takes over what an earlier supervisor left. */
  async adopt(stored: StoredService): Promise<{ wasSpawned: boolean; isAlive: boolean }> {
    const record = this.#readRecord(stored.spec.handle);
    const isOfThisRun = record !== undefined && record.mark === stored.mark;
    this.record = isOfThisRun ? record : undefined;
    this.logRun = this.record?.logRun;
    if (isOfThisRun) this.#sleeper.take(stored.run, record.port);
    const isRunning = this.record !== undefined && isAlive(this.record);
    const isAtRest = (stored.state === "stopped" || stored.state === "failed") && !stored.isAsleep;
    // whatever keeps it from being heard keeps nobody from the others
    if (!isAtRest) await this.#listen(stored).catch((error: unknown) => this.#options.onTrouble((error as Error).message));
    if (isRunning) this.#watch();
    return { wasSpawned: isOfThisRun, isAlive: isRunning };
  }

  /** Without it, its process is found by its mark, ended, and started anew. */
  #readRecord(handle: string): ProcessRecord | undefined {
    try {
      return readRecord(this.#options.stateDirectory, handle);
    } catch (error) {
      this.#options.onTrouble((error as Error).message);
      return undefined;
    }
  }

  /** Once it is taken over: the line that says ready may have come before anybody listened again. */
  recall({ spec, state }: StoredService): void {
    const { record } = this;
    if (record === undefined || state !== "starting" || probeKind(spec.ready) !== "log") return;
    const isReadyLine = compileLogProbe(spec.ready);
    this.#then(async () => {
      for await (const { text } of readLog({ folder: this.#folder, run: record.logRun })) {
        if (isReadyLine(text)) return this.#say("ready");
      }
    });
  }

  /** One that runs goes on by other rules: what it says is kept, and heard, by those. */
  follow(stored: StoredService): void {
    this.#then(async () => {
      await this.#listen(stored);
      const service = this.#options.service();
      if (service !== undefined) this.#sleeper.lead(service, stored.spec, this.record?.port);
    });
  }

  spawn(stored: StoredService): void {
    this.#then(() => this.#spawn(stored));
  }

  async #spawn(stored: StoredService): Promise<void> {
    const { spec, environment, run, mark } = stored;
    const { handle } = spec;
    this.problem = undefined;
    try {
      await this.#listen(stored);
      const { stateDirectory } = this.#options;
      const extra = this.#notify?.environment ?? {};
      const privatePort = this.#sleeper.portFor(stored);
      const { record, exited } = await spawnProcess({ spec, stateDirectory, environment: { ...environment, ...extra }, mark, privatePort });
      this.record = record;
      this.logRun = record.logRun;
      this.#mayBeDaemon = false;
      void exited.then((exit) => {
        this.#mayBeDaemon = exit.code === 0 && this.#options.service()?.phase === "starting";
        this.#options.tell({ kind: "exited", handle, run, exit });
      });
      this.#options.tell({ kind: "spawned", handle, run });
    } catch (error) {
      this.problem = problemOf(error);
      this.#options.tell({ kind: "spawnFailed", handle, run, why: reasonOf(this.problem.message) });
    }
  }

  runHook(stored: StoredService, hook: Hook): void {
    this.#then(() => this.#runHook(stored, hook));
  }

  /** Begins it: whoever ends the service must not have to wait for it. */
  async #runHook(stored: StoredService, name: Hook): Promise<void> {
    const { spec, environment, run, mark } = stored;
    const { handle } = spec;
    const hook = spec[name];
    const tellEnd = (problem?: string): void =>
      this.#options.tell({ kind: "hookEnded", handle, run, hook: name, ...(problem === undefined ? {} : { problem }) });
    if (hook === undefined) {
      tellEnd();
      return;
    }
    try {
      await this.#listen(stored);
      const own = atPort(spec, this.#sleeper.portFor(stored));
      this.#hook = runHook({ spec: own, hook: own[name] ?? hook, environment, mark, folder: this.#folder });
    } catch (error) {
      this.problem = problemOf(error);
      tellEnd(reasonOf(this.problem.message));
      return;
    }
    // what post_stop writes says nothing about why the process ended
    if (name === "preStart") this.logRun = this.#hook.logRun ?? this.logRun;
    void this.#hook.ended.then(tellEnd);
  }

  probe(stored: StoredService, effect: Extract<Effect, { kind: "probe" }>): void {
    const { handle, run, probe, epoch, isFirst } = effect;
    const { environment } = stored;
    const { record } = this;
    if (record === undefined) return;
    const spec = atPort(stored.spec, record.port);
    const question = probe === "ready" ? spec.ready : spec.live;
    if (question === undefined) return;
    const answer = (result: ProbeResult): void => {
      const problem = result.ok ? {} : { problem: result.reason };
      this.#options.tell({ kind: "probed", handle, run, probe, epoch, ...problem });
    };
    if (question.notify) {
      queueMicrotask(() => answer(this.#sayWhetherAlive(question.interval)));
      return;
    }
    const target = {
      handle,
      port: spec.port,
      address: spec.address,
      cwd: spec.cwd,
      env: question.exec === undefined ? {} : environmentOf({ spec, environment }),
      folder: this.#folder,
      ...(isFirst ? { findIntruder: () => findIntruder(record) } : {}),
    };
    void probeOnce(question, target, { signal: this.#attempts.signal }).then(answer);
  }

  /** Since it was asked last. */
  #sayWhetherAlive(interval: string): ProbeResult {
    this.#notify?.look();
    const hasSaid = this.#hasSaidAlive;
    this.#hasSaidAlive = false;
    return hasSaid ? { ok: true } : { ok: false, reason: `no WATCHDOG=1 within ${interval}` };
  }

  /** Its whole session, and a hook that still runs. */
  end(stored: StoredService): void {
    const { handle } = stored.spec;
    this.#hook?.stop();
    this.#then(async () => {
      // also one that was about to begin
      this.#hook?.stop();
      const survivors = await this.#end(stored);
      const told = survivors === undefined ? {} : { survivors };
      this.#options.tell({ kind: "ended", handle, run: stored.run, ...told });
    });
  }

  async #end({ spec, mark }: StoredService): Promise<string | undefined> {
    clearInterval(this.#look);
    this.#attempts.abort();
    this.#attempts = new AbortController();
    await this.#hook?.ended;
    try {
      // what it asked for before it was asked to end was for something else
      this.#askedUntil();
      this.#askedUntilMs = 0;
      const { handle, stop } = spec;
      const leader = this.record?.mark === mark ? this.record : {};
      const { wasKilled } = await endSession({
        record: { ...leader, handle, stop, mark },
        mayBeDaemon: this.#mayBeDaemon,
        askedUntil: () => this.#askedUntil(),
        signal: this.#leaving.signal,
      });
      this.wasKilled = wasKilled;
    } catch (error) {
      return reasonOf((error as Error).message);
    } finally {
      this.#words.forget();
      this.#notify?.close();
      this.#notify = undefined;
    }
    await this.#tidy(spec.handle).catch((error: unknown) => this.#options.onTrouble((error as Error).message));
    return undefined;
  }

  /** As of now: a grace may be shorter than the pause between two looks. */
  #askedUntil(): number {
    this.#notify?.look();
    return this.#askedUntilMs;
  }

  /** Of a session that is gone. */
  async #tidy(handle: string): Promise<void> {
    await this.#keeper?.flushPartial();
    removeRecord(this.#options.stateDirectory, handle);
  }

  changed(service: Service, { spec }: StoredService): void {
    const state = stateOf(service);
    this.#notify?.setPace(state === "starting" ? "starting" : "running");
    this.#sleeper.lead(service, spec, this.record?.port);
    try {
      // for whoever asks how it is without asking us: the proxy in a container, which runs as nobody
      mkdirSync(dirname(this.#healthFile), { recursive: true, mode: 0o755 });
      writeFileWhole(this.#healthFile, `${wordHealth(service)}\n`, 0o644);
    } catch (error) {
      this.#options.onTrouble((error as Error).message);
    }
  }

  /** Once nothing is kept of it. */
  removeHealth(): void {
    rmSync(this.#healthFile, { force: true });
    try {
      rmdirSync(dirname(this.#healthFile));
    } catch {
      // another service's is in it
    }
  }

  get #healthFile(): string {
    return join(this.#options.stateDirectory, "health", this.#options.handle);
  }

  /** Lets go of everything; the process runs on. */
  async close(): Promise<void> {
    clearInterval(this.#look);
    this.#attempts.abort();
    // the next one goes on with what is being ended
    this.#leaving.abort();
    await this.#work;
    this.#sleeper.close();
    await this.#keeper?.close();
    this.#keeper = undefined;
    this.#words.forget();
    this.#notify?.close();
    this.#notify = undefined;
  }

  #then(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => this.#options.onTrouble((error as Error).message));
  }

  /** To its log, to what it says by itself, and to who connects. */
  async #listen({ spec }: StoredService): Promise<void> {
    const { ready, live, idle, port } = spec;
    const isReadyLine = probeKind(ready) === "log" ? compileLogProbe(ready) : undefined;
    const isDeadLine = live !== undefined && probeKind(live) === "log" ? compileLogProbe(live) : undefined;
    this.#hear = (line) => {
      if (isReadyLine?.(line)) this.#say("ready");
      if (isDeadLine?.(line)) this.#say("live", `its log says "${Bun.stripANSI(line).trim().slice(0, SAID_LENGTH)}"`);
    };
    await this.#keep(spec.logs);
    await this.#sleeper.standAt(idle === undefined ? undefined : port);
    if (ready.notify || live?.notify) this.#notify ??= await this.#openNotify();
  }

  /** Of this start alone: an earlier one may have left lines behind. */
  #hearLine({ text, position }: LogEntry): void {
    if (position.run === this.logRun) this.#hear(text);
  }

  /** What is not asked, but said. */
  #say(probe: ProbeName, problem?: string): void {
    const service = this.#options.service();
    if (service === undefined || (probe === "ready" && service.phase !== "starting")) return;
    const { handle, run, epoch } = service;
    this.#options.tell({ kind: "probed", handle, run, probe, epoch, ...(problem === undefined ? {} : { problem }) });
  }

  #openNotify(): Promise<NotifySocket> {
    return NotifySocket.open({
      folder: this.#folder,
      onMessage: (message) => this.#hearMessage(message),
      isMember: (pid) => this.record !== undefined && findMembers(this.record).some((entry) => entry.pid === pid),
    });
  }

  /** How it is goes before that it is ready: one that begins degraded was never anything else. */
  #hearMessage(message: NotifyMessage): void {
    const { isReady, isAlive, extendMs } = message;
    this.#hasSaidAlive ||= isAlive === true;
    if (extendMs !== undefined) this.#askedUntilMs = performance.now() + extendMs;
    this.#words.hear(message);
    if (isReady) this.#say("ready");
  }

  async #keep(limits: LogLimits): Promise<void> {
    if (this.#keeper !== undefined && Bun.deepEquals(limits, this.#limits)) return;
    await this.#keeper?.close();
    const { onTrouble } = this.#options;
    this.#limits = limits;
    this.#keeper = new LogKeeper({ folder: this.#folder, limits, onLine: (entry) => this.#hearLine(entry), onTrouble });
    this.#keeper.startWatching();
  }

  /** One that is nobody's child of ours: how it ends is not told. */
  #watch(): void {
    let looks = 0;
    this.#look = setInterval(() => {
      const service = this.#options.service();
      if (this.record === undefined || service === undefined || isStillAlive(this.record, looks++)) return;
      clearInterval(this.#look);
      this.#options.tell({ kind: "exited", handle: service.handle, run: service.run, exit: { code: null, signal: null } });
    }, LOOK_MS);
  }
}

/** In one word, for whoever only has to know whether it can be used. */
function wordHealth(service: Service): string {
  const state = stateOf(service);
  return service.phase === "asleep" ? "asleep" : isUsable(state) ? "ready" : state;
}

/** Where a look at a process is a program run (ps on macOS), that its number is taken has to do, but for once in a while. */
function isStillAlive(record: ProcessRecord, looks: number): boolean {
  if (process.platform === "linux" || looks % LOOKS_PER_IDENTITY === 0) return isAlive(record);
  try {
    process.kill(record.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function problemOf(error: unknown): Problem {
  if (!(error instanceof HarborError)) return { message: (error as Error).message, exit: "failed", details: [] };
  const { message, exit, details, hint } = error;
  return { message, exit, details, ...(hint === undefined ? {} : { hint }) };
}

/** `Cannot start "x": port 1 is taken` → `port 1 is taken`. */
function reasonOf(message: string): string {
  return message.replace(/^Cannot \w+ "[^"]*": /, "");
}
