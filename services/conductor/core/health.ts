/**
 * How a component is, as one pure machine: what is known of it, something that happens, when → what is known then, and what
 * others have to be told. No clock, no timer; times are milliseconds of any clock that does not go back.
 *
 *   starting ─beat─▶ healthy ─3 missed, a bad report, 3 failed checks─▶ degraded ─30 s of silence─▶ offline ─lease over─▶ gone
 *                       ◀──────────── two beats in a row, in time ───────────┴──────────────────────────┘
 *
 * Down at once, up only after two: one that gets every third beat through would otherwise be taken for well each time, and requests
 * would follow it back and forth. A beat counts towards the two half an interval after the one before, so that beats which
 * piled up somewhere and arrive together are one sign of life.
 *
 * One that does not beat is judged by its checks alone, by the same rules: the first good one makes it healthy, three failed ones
 * degraded, 30 s more offline, two good ones healthy again. It is never gone by itself.
 */

export type State = "starting" | "healthy" | "degraded" | "offline" | "gone";
/** What a component says of itself. */
export type Reported = "healthy" | "degraded" | "unhealthy";
export type Cause = "missed heartbeats" | "reported degraded" | "reported unhealthy" | "health check fails";

export interface Health {
  readonly state: State;
  /** Of the state. */
  readonly since: number;
  readonly intervalMs: number;
  /** How long it is known without a beat. */
  readonly leaseMs: number;
  /** False: checks are all that is heard of it, and are what a beat is to others. */
  readonly doesBeat: boolean;
  /** Of the last beat; undefined before the first. Of one that does not beat, of the last good check. */
  readonly beatAt: number | undefined;
  /** When the next beat counts as missed. */
  readonly dueAt: number;
  readonly goneAt: number;
  /** When the third beat in a row was missed, or the third check failed; 0 once it has shown twice that it lives. */
  readonly silentSince: number;
  readonly missed: number;
  /** Beats in a row in time, up to 2, and when the last of them counted. */
  readonly streak: number;
  readonly countedAt: number;
  /** Of these, those that also reported well. */
  readonly wellStreak: number;
  readonly reported: Reported;
  /** In a row, up to 3; then good ones in a row until it is 0 again. */
  readonly failedChecks: number;
  readonly goodChecks: number;
}

export type HealthEvent =
  | { readonly kind: "beat"; readonly reported: Reported }
  /** Nothing but that time has passed. */
  | { readonly kind: "time" }
  | { readonly kind: "check"; readonly isOk: boolean }
  /**
   * The conductor itself was away for this long: nothing that was due then counts as missed, and everyone is granted a round. `isAgain`: for
   * a moment, and not for the first time; everyone has had a round, and is granted that moment.
   */
  | { readonly kind: "gap"; readonly ms: number; readonly isAgain?: boolean }
  | { readonly kind: "leave" };

export type Effect =
  | { readonly kind: "missed"; readonly count: number; readonly at: number }
  | { readonly kind: "changed"; readonly from: State; readonly to: State; readonly at: number; readonly causes: readonly Cause[] };

export interface Step {
  readonly health: Health;
  readonly effects: readonly Effect[];
}

/** For the way of a beat: networks, and timers that are not exact. */
export const GRACE_MS = 250;
export const MISSES = 3;
export const OFFLINE_AFTER_MS = 30_000;
const STREAK = 2;
const FAILED_CHECKS = 3;
const NONE: readonly Effect[] = [];

/** Of a component that has just registered: it is granted a round. */
export function newHealth(intervalMs: number, leaseMs: number, now: number, doesBeat = true): Health {
  return {
    state: "starting",
    since: now,
    intervalMs,
    leaseMs,
    doesBeat,
    beatAt: undefined,
    dueAt: doesBeat ? now + intervalMs + GRACE_MS : Number.POSITIVE_INFINITY,
    goneAt: doesBeat ? now + leaseMs : Number.POSITIVE_INFINITY,
    silentSince: 0,
    missed: 0,
    streak: 0,
    countedAt: Number.NEGATIVE_INFINITY,
    wellStreak: 0,
    reported: "healthy",
    failedChecks: 0,
    goodChecks: 0,
  };
}

/** What was due before is caught up with first, in its order, so that it does not matter how late one asks. */
export function step(health: Health, event: HealthEvent, now: number): Step {
  if (health.state === "gone") return { health, effects: NONE };
  if (event.kind === "gap") return { health: grantRound(health, event, now), effects: NONE };
  if (event.kind === "beat" && !health.doesBeat) return passTime(health, now);
  // by far the most frequent: a beat in time of one that is well
  if (event.kind === "beat" && now < nextAt(health)) return settle(health, takeBeat(health, event.reported, now), now, NONE);
  const caughtUp = passTime(health, now);
  if (caughtUp.health.state === "gone") return caughtUp;
  switch (event.kind) {
    case "time":
      return caughtUp;
    case "beat":
      return settle(caughtUp.health, takeBeat(caughtUp.health, event.reported, now), now, caughtUp.effects);
    case "check":
      return settle(caughtUp.health, takeCheck(caughtUp.health, event.isOk, now), now, caughtUp.effects);
    case "leave":
      return change(caughtUp.health, "gone", now, caughtUp.effects);
  }
}

/** When something happens to it next if nothing is heard of it. */
export function nextAt(health: Health): number {
  const { state, dueAt, silentSince, streak } = health;
  if (state === "gone") return Number.POSITIVE_INFINITY;
  if (state === "offline") return streak > 0 ? Math.min(dueAt, lostAt(health)) : lostAt(health);
  // one that has begun to come back is waited for
  if (silentSince > 0 && !isReturning(health)) return Math.min(dueAt, silentSince + OFFLINE_AFTER_MS);
  return dueAt;
}

/** It has shown once that it lives, and may do so again. */
function isReturning({ doesBeat, streak, goodChecks }: Health): boolean {
  return (doesBeat ? streak : goodChecks) > 0;
}

function isLost(health: Health, at: number): boolean {
  return !isReturning(health) && health.silentSince + OFFLINE_AFTER_MS <= at;
}

/** Offline first, even where the lease is shorter than that takes. */
function lostAt({ goneAt, since }: Health): number {
  return Math.max(goneAt, since);
}

/** Why it is not well; none where it is. */
export function causesOf({ silentSince, reported, failedChecks, doesBeat }: Health): Cause[] {
  const causes: Cause[] = [];
  if (silentSince > 0 && doesBeat) causes.push("missed heartbeats");
  if (reported !== "healthy") causes.push(`reported ${reported}`);
  if (failedChecks >= FAILED_CHECKS) causes.push("health check fails");
  return causes;
}

function takeBeat(health: Health, reported: Reported, now: number): Health {
  const doesCount = now - health.countedAt >= health.intervalMs / 2;
  const streak = doesCount ? Math.min(STREAK, health.streak + 1) : health.streak;
  const wellStreak = reported !== "healthy" ? 0 : doesCount ? Math.min(STREAK, health.wellStreak + 1) : health.wellStreak;
  const isBelieved = reported !== "healthy" || health.reported === "healthy" || wellStreak === STREAK;
  return {
    ...health,
    beatAt: now,
    dueAt: now + health.intervalMs + GRACE_MS,
    goneAt: now + health.leaseMs,
    missed: 0,
    streak,
    countedAt: doesCount ? now : health.countedAt,
    wellStreak,
    silentSince: streak === STREAK ? 0 : health.silentSince,
    reported: isBelieved ? reported : health.reported,
  };
}

function takeCheck(health: Health, isOk: boolean, now: number): Health {
  const checked = countCheck(health, isOk);
  if (health.doesBeat) return checked;
  const isSilent = checked.failedChecks >= FAILED_CHECKS;
  return { ...checked, beatAt: isOk ? now : health.beatAt, silentSince: isSilent ? health.silentSince || now : 0 };
}

function countCheck(health: Health, isOk: boolean): Health {
  if (!isOk) return { ...health, failedChecks: Math.min(FAILED_CHECKS, health.failedChecks + 1), goodChecks: 0 };
  const isEnough = health.failedChecks < FAILED_CHECKS || health.goodChecks + 1 >= STREAK;
  return isEnough ? { ...health, failedChecks: 0, goodChecks: 0 } : { ...health, goodChecks: health.goodChecks + 1 };
}

function grantRound(health: Health, { ms, isAgain = false }: HealthEvent & { kind: "gap" }, now: number): Health {
  return {
    ...health,
    dueAt: isAgain ? Math.max(health.dueAt + ms, now + GRACE_MS) : Math.max(health.dueAt, now + health.intervalMs + GRACE_MS),
    goneAt: health.goneAt + ms,
    silentSince: health.silentSince > 0 ? health.silentSince + ms : 0,
  };
}

function passTime(health: Health, now: number): Step {
  let reached: Step = { health, effects: NONE };
  for (let at = nextAt(health); at <= now; at = nextAt(reached.health)) reached = passDeadline(reached, at);
  return reached;
}

function passDeadline({ health, effects }: Step, at: number): Step {
  if (health.state === "offline") {
    return at >= lostAt(health) ? change(health, "gone", at, effects) : { health: { ...health, streak: 0, wellStreak: 0 }, effects };
  }
  let next = health;
  let told = effects;
  if (at >= health.dueAt) {
    const missed = health.missed + 1;
    const silentSince = health.silentSince === 0 && missed >= MISSES ? at : health.silentSince;
    next = { ...health, missed, streak: 0, wellStreak: 0, silentSince, dueAt: health.dueAt + health.intervalMs };
    if (missed <= MISSES) told = [...told, { kind: "missed", count: missed, at }];
  }
  if (next.silentSince > 0 && at >= next.silentSince + OFFLINE_AFTER_MS) return change(next, "offline", at, told);
  return settle(health, next, at, told);
}

/** The state that follows from all that is known. */
function settle(before: Health, after: Health, at: number, effects: readonly Effect[]): Step {
  const state = stateOf(before, after, at);
  return state === before.state ? { health: after, effects } : change(after, state, at, effects);
}

function stateOf(before: Health, after: Health, at: number): State {
  if (after.silentSince > 0) return before.state === "offline" || isLost(after, at) ? "offline" : "degraded";
  if (after.reported !== "healthy" || after.failedChecks >= FAILED_CHECKS) return "degraded";
  return after.beatAt === undefined ? "starting" : "healthy";
}

function change(health: Health, to: State, at: number, effects: readonly Effect[]): Step {
  const changed: Effect = { kind: "changed", from: health.state, to, at, causes: causesOf(health) };
  return { health: { ...health, state: to, since: at }, effects: [...effects, changed] };
}
