/**
 * Every decision of the supervisor: a world and an event in, the next world and what is to be done out. No clock, no
 * chance and no I/O of its own: each event brings its time and, where a wait has jitter, its random number.
 */
import { blockerOf, dependentsEnded } from "./_dependencies.ts";
import { Draft, wordExit } from "./_draft.ts";
import {
  type Adopted,
  type Event,
  isUsable,
  mayRun,
  type Policy,
  type Said,
  type Service,
  type Step,
  type Timer,
  type World,
} from "./_service.ts";

const ASKED = "it was asked to stop";
const LEAVING = "waits for what depends on it to stop";
/** Between two attempts of a starting service: a hundredth of the time it has taken, and at least this. */
const SHORTEST_PAUSE_MS = 20;

/** The world that follows, and what is to be done for it. The world that was given is left as it is. */
export function step(world: World, event: Event): Step {
  const draft = new Draft(world, event.at);
  draft.wakeUp(nextDue(world));
  apply(draft, event);
  settle(draft);
  return { world: { services: draft.services, externals: draft.externals }, effects: draft.effects };
}

/** When the next `tick` is due; undefined where nothing is. */
export function nextDue(world: World): number | undefined {
  let due: number | undefined;
  for (const { timers } of world.services.values()) {
    for (const at of Object.values(timers)) if (due === undefined || at < due) due = at;
  }
  return due;
}

/** Of a starting service: soon at first, so that it is seen ready soon, and ever less often. */
export function nextPauseMs(elapsedMs: number, longestMs: number): number {
  return Math.min(Math.max(elapsedMs / 100, SHORTEST_PAUSE_MS), Math.max(longestMs, 1));
}

function apply(draft: Draft, event: Event): void {
  if (event.kind === "tick") runTimers(draft, event.random);
  else if (event.kind === "external") draft.externals.set(event.name, event.status);
  else if (event.kind === "adopt") adopt(draft, event.service);
  else if (event.kind === "want") want(draft, event.handle, event.policy);
  else {
    const service = draft.services.get(event.handle);
    if (service === undefined) return;
    if ("run" in event) {
      // an earlier process of it has no say any more
      if (event.run === service.run) hear(draft, service, event);
    } else order(draft, service, event);
  }
}

type Order = Extract<Event, { kind: "unwant" | "restart" | "forget" | "idle" | "connected" }>;

function order(draft: Draft, service: Service, event: Order): void {
  switch (event.kind) {
    case "unwant":
      unwant(draft, service);
      break;
    case "restart":
      service.policy = event.policy;
      restart(draft, service);
      break;
    case "forget":
      if (service.phase === "resting") draft.services.delete(service.handle);
      break;
    case "idle":
      if (service.phase === "up") draft.end(service, "asleep", event.why);
      break;
    case "connected":
      if (service.phase === "asleep") draft.wait(service, "somebody has connected");
  }
}

function want(draft: Draft, handle: string, policy: Policy): void {
  const service = draft.services.get(handle);
  if (service === undefined) {
    draft.add(handle, policy);
    return;
  }
  service.policy = policy;
  const wasWanted = service.isWanted;
  service.isWanted = true;
  switch (service.phase) {
    case "resting":
    case "backing-off":
      draft.begin(service);
      break;
    case "leaving":
      goOn(draft, service);
      break;
    case "ending":
    case "finishing":
      if (!wasWanted || service.after !== "asleep") draft.follow(service, "start", "asked for again");
      break;
    default:
      draft.applyPolicy(service);
  }
}

/** It has not been ended yet. One that was ready says so once, and is asked again where it can be. */
function goOn(draft: Draft, service: Service): void {
  if (!service.isHealthy) {
    draft.spawned(service);
    return;
  }
  draft.up(service, true, "asked for again");
  if (service.policy.ready?.how === "ask") service.timers.ready = draft.at;
}

function unwant(draft: Draft, service: Service): void {
  service.isWanted = false;
  switch (service.phase) {
    case "waiting":
    case "backing-off":
    case "asleep":
      draft.rest(service, "stopped", ASKED);
      break;
    case "resting":
      if (service.hasSurvivors) draft.end(service, "stopped", ASKED);
      else if (service.after === "failed") draft.rest(service, "stopped", ASKED);
      break;
    case "ending":
    case "finishing":
      draft.follow(service, "stopped", ASKED);
      break;
    case "preparing":
    case "spawning":
      draft.end(service, "stopped", ASKED);
      break;
    case "starting":
    case "up":
      draft.enter(service, "leaving", LEAVING);
  }
}

function restart(draft: Draft, service: Service): void {
  service.isWanted = true;
  switch (service.phase) {
    case "waiting":
      break;
    case "ending":
    case "finishing":
      draft.follow(service, "start", "restarted");
      break;
    case "resting":
    case "asleep":
    case "backing-off":
      draft.begin(service);
      break;
    default:
      draft.end(service, "start", "restarted");
  }
}

/** Takes over what an earlier supervisor left. */
function adopt(draft: Draft, it: Adopted): void {
  const service = draft.add(it.handle, it.policy);
  const { run, restarts, why, wasReady, isWanted, isCompleted } = it;
  Object.assign(service, { run, restarts, why, wasReady, isWanted, isCompleted, ...saidBy(it) });
  if (it.state === "failed" || it.state === "stopped") adoptResting(draft, service, it);
  else if (!isWanted) adoptLeaving(draft, service, it);
  else if (it.state === "stopping") draft.end(service, isCompleted ? "completed" : "start", why);
  else if (it.isAlive && it.isUnheard) draft.end(service, "start", "it may have said that it is ready, and nobody heard it");
  else if (it.isAlive) adoptRunning(draft, service, it);
  else if (it.state === "pending" || it.state === "backing-off" || !it.wasSpawned) {
    // what an interrupted start may have left goes first: a hook, or a process that nobody noted
    draft.end(service, restarts > 0 || it.state === "backing-off" ? "backing-off" : "start", "its start was cut short");
  } else {
    // it ran when its supervisor ended, and runs no more: how it ended nobody saw
    draft.enter(service, "ending", "its process ended while no supervisor ran");
    draft.followExit(service, { code: null, signal: null }, it.random, false);
    draft.effects.push({ kind: "end", handle: it.handle, run });
  }
}

/** Of a process that is gone it holds no more. */
function saidBy({ isAlive, status, isDegraded }: Adopted): Said {
  return isAlive ? { status, isDegraded } : {};
}

/** Asked to stop: after what depends on it, which is taken over first. */
function adoptLeaving(draft: Draft, service: Service, { isAlive, wasReady }: Adopted): void {
  service.isHealthy = wasReady;
  if (isAlive) draft.enter(service, "leaving", LEAVING);
  else draft.end(service, "stopped", ASKED);
}

function adoptResting(draft: Draft, service: Service, it: Adopted): void {
  const outcome = it.state === "failed" ? "failed" : it.isCompleted ? "completed" : "stopped";
  if (it.isAlive) draft.end(service, outcome, it.why);
  else if (it.isAsleep && it.isWanted) draft.enter(service, "asleep", it.why);
  else draft.rest(service, outcome, it.why);
}

function adoptRunning(draft: Draft, service: Service, it: Adopted): void {
  draft.spawned(service);
  const isHealthy = isUsable(it.state);
  if (!isHealthy && it.state !== "unhealthy") return;
  if (service.phase !== "up") draft.up(service, isHealthy, it.why);
  if (service.policy.ready?.how === "ask") service.timers.ready = draft.at;
}

type RunEvent = Extract<Event, { run: number }>;

function hear(draft: Draft, service: Service, event: RunEvent): void {
  switch (event.kind) {
    case "spawned":
      if (service.phase === "spawning") draft.spawned(service);
      break;
    case "spawnFailed":
      if (service.phase === "spawning") notSpawned(draft, service, event);
      break;
    case "exited":
      exited(draft, service, event);
      break;
    case "ended":
      if (service.phase === "ending") draft.cleared(service, event.survivors);
      break;
    case "hookEnded":
      hookEnded(draft, service, event);
      break;
    case "probed":
      if (event.epoch === service.epoch) probed(draft, service, event);
      break;
    case "said":
      if (mayRun(service)) draft.hearSaid(service, event);
  }
}

/** What ran before may have to wait for its port; what never did is not there, and will not be. */
function notSpawned(draft: Draft, service: Service, { why, random }: Extract<Event, { kind: "spawnFailed" }>): void {
  if (service.wasReady) draft.retry(service, why, random);
  else draft.follow(service, "failed", why);
  const { backoff } = service.timers;
  draft.enter(service, "ending", why);
  if (backoff !== undefined) service.timers.backoff = backoff;
  // what its pre_start has left, or a process that could not be noted
  draft.effects.push({ kind: "end", handle: service.handle, run: service.run });
}

function exited(draft: Draft, service: Service, { exit, random }: Extract<Event, { kind: "exited" }>): void {
  const { phase } = service;
  draft.unsay(service);
  if (phase === "ending" || !mayRun(service)) return;
  draft.enter(service, "ending", `its process ended${wordExit(exit)}`);
  if (phase === "leaving") draft.follow(service, "stopped", ASKED);
  else draft.followExit(service, exit, random, phase !== "up");
  // what it left behind goes before anything else
  draft.effects.push({ kind: "end", handle: service.handle, run: service.run });
}

function hookEnded(draft: Draft, service: Service, { hook, problem }: Extract<Event, { kind: "hookEnded" }>): void {
  if (hook === "postStop") {
    if (service.phase === "finishing") draft.finish(service);
  } else if (service.phase === "preparing") {
    if (problem === undefined) draft.spawn(service);
    else draft.end(service, "failed", `its pre_start failed: ${problem}`);
  }
}

type Probed = Extract<Event, { kind: "probed" }>;

function probed(draft: Draft, service: Service, event: Probed): void {
  if (service.phase !== "starting" && service.phase !== "up") return;
  if (event.probe === "live") probedLive(draft, service, event);
  else if (service.phase === "starting") probedStarting(draft, service, event);
  else probedUp(draft, service, event);
}

function probedStarting(draft: Draft, service: Service, { problem }: Probed): void {
  const { ready } = service.policy;
  if (ready === undefined) return;
  service.lastSeen = problem ?? service.lastSeen;
  service.successes = problem === undefined ? service.successes + 1 : 0;
  if (service.successes >= ready.successes) draft.up(service, true, "it answers as it should");
  else service.timers.ready = draft.at + nextPauseMs(draft.at - service.spawnedAt, ready.startIntervalMs);
}

function probedUp(draft: Draft, service: Service, { problem }: Probed): void {
  const { ready, resetAfterMs } = service.policy;
  if (ready === undefined) return;
  if (ready.how === "ask") service.timers.ready = draft.at + ready.intervalMs;
  service.lastSeen = problem ?? service.lastSeen;
  service.failures = problem === undefined ? 0 : service.failures + 1;
  const isHealthy = problem === undefined || (service.isHealthy && service.failures < ready.failures);
  if (isHealthy === service.isHealthy) return;
  Object.assign(service, { isHealthy, isLate: false, since: draft.at, why: problem ?? "it answers again" });
  draft.giveReason(service);
  delete service.timers.deadline;
  // the count of restarts begins anew after a time of health, not of running
  if (isHealthy && service.restarts > 0) service.timers.reset = draft.at + resetAfterMs;
  else delete service.timers.reset;
}

function probedLive(draft: Draft, service: Service, { problem, random }: Probed): void {
  const { live } = service.policy;
  if (live === undefined) return;
  if (live.how === "ask") service.timers.live = draft.at + live.intervalMs;
  const isCounted = draft.at - service.spawnedAt >= live.startPeriodMs;
  service.liveFailures = problem === undefined || !isCounted ? 0 : service.liveFailures + 1;
  if (service.liveFailures >= live.failures) endAndRetry(draft, service, `not alive: ${problem}`, random);
}

function endAndRetry(draft: Draft, service: Service, why: string, random: number): void {
  draft.end(service, "failed", why);
  draft.retry(service, why, random);
}

function runTimers(draft: Draft, random: number): void {
  for (const service of draft.services.values()) {
    for (const name of ["deadline", "backoff", "reset", "ready", "live"] as const) {
      const at = service.timers[name];
      if (at === undefined || at > draft.at) continue;
      delete service.timers[name];
      due(draft, service, name, random);
    }
  }
}

function due(draft: Draft, service: Service, name: Timer, random: number): void {
  const { handle, run, epoch, phase } = service;
  if (name === "reset") service.restarts = 0;
  else if (name === "deadline") pastDeadline(draft, service, random);
  else if (name === "backoff") {
    // still being cleaned up after: it goes on as soon as that is done
    if (phase !== "backing-off") return;
    service.restarts++;
    draft.start(service);
  } else if (phase === "starting" || phase === "up") {
    draft.effects.push({ kind: "probe", handle, run, probe: name, epoch, isFirst: phase === "starting" });
  }
}

function pastDeadline(draft: Draft, service: Service, random: number): void {
  const { ready } = service.policy;
  if ((service.phase !== "starting" && service.phase !== "up") || ready === undefined) return;
  const seen = service.lastSeen === "" ? "" : `; ${service.lastSeen}`;
  const within = service.extendedMs === 0 ? `${ready.deadlineMs / 1000} s` : `the ${service.extendedMs / 1000} s that it asked for last`;
  const why = `not ready within ${within}${seen}`;
  service.isLate = true;
  if (service.phase === "up") service.why = why;
  else if (service.policy.isKept) draft.up(service, false, why);
  else if (service.wasReady) endAndRetry(draft, service, why, random);
  else draft.end(service, "failed", why);
}

/** Starts what waits for nothing any more, ends what nothing depends on any more; until there is nothing of either. */
function settle(draft: Draft): void {
  for (let isDone = false; !isDone; ) {
    isDone = true;
    for (const service of draft.services.values()) if (advance(draft, service)) isDone = false;
  }
}

function advance(draft: Draft, service: Service): boolean {
  if (service.phase === "leaving" && dependentsEnded(service, draft.services)) {
    draft.end(service, "stopped", ASKED);
    return true;
  }
  if (service.phase !== "waiting") return false;
  const blocker = blockerOf(service, draft.services, draft.externals);
  if (blocker === undefined) draft.start(service);
  else if (blocker.isFinal) draft.rest(service, "failed", blocker.why);
  else service.why = blocker.why;
  return blocker === undefined || blocker.isFinal;
}
