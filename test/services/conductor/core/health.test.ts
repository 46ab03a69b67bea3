import { describe, expect, test } from "bun:test";
import {
  causesOf,
  type Effect,
  GRACE_MS,
  type Health,
  type HealthEvent,
  newHealth,
  nextAt,
  OFFLINE_AFTER_MS,
  type Reported,
  type State,
  step,
} from "../../../../services/conductor/core/health.ts";
import { seededRandom } from "../_random.ts";

const INTERVAL = 10_000;
const LEASE = 600_000;

/** A course: what happens when, by the second; `beat` alone is a healthy one. */
type Course = readonly (readonly [at: number, event: HealthEvent | "beat"])[];

interface Told {
  health: Health;
  states: [at: number, to: State][];
  misses: number[];
}

function run(course: Course, start = newHealth(INTERVAL, LEASE, 0)): Told {
  const told: Told = { health: start, states: [], misses: [] };
  for (const [seconds, event] of course) {
    const { health, effects } = step(
      told.health,
      event === "beat" ? { kind: "beat", reported: "healthy" } : event,
      Math.round(seconds * 1_000),
    );
    told.health = health;
    for (const effect of effects) {
      if (effect.kind === "changed") told.states.push([effect.at / 1_000, effect.to]);
      else told.misses.push(effect.at / 1_000);
    }
  }
  return told;
}

const TIME: HealthEvent = { kind: "time" };
const reports = (reported: Reported): HealthEvent => ({ kind: "beat", reported });
const check = (isOk: boolean): HealthEvent => ({ kind: "check", isOk });
const beats = (from: number, to: number): Course => Array.from({ length: (to - from) / 10 + 1 }, (_, index) => [from + index * 10, "beat"]);

describe("a component", () => {
  test("starts, and is healthy with its first heartbeat", () => {
    expect(newHealth(INTERVAL, LEASE, 0).state).toBe("starting");
    expect(run([[2, "beat"]]).states).toEqual([[2, "healthy"]]);
  });

  test("misses a beat a quarter of a second after it was due", () => {
    expect(
      run([
        [2, "beat"],
        [12.249, TIME],
      ]).misses,
    ).toEqual([]);
    expect(
      run([
        [2, "beat"],
        [12.25, TIME],
      ]).misses,
    ).toEqual([12.25]);
  });

  test("is degraded by three missed in a row, offline 30 s later, gone when its lease is over", () => {
    const { states, misses, health } = run([
      [2, "beat"],
      [2_000, TIME],
    ]);
    expect(misses).toEqual([12.25, 22.25, 32.25]);
    expect(states).toEqual([
      [2, "healthy"],
      [32.25, "degraded"],
      [62.25, "offline"],
      [602, "gone"],
    ]);
    expect(nextAt(health)).toBe(Number.POSITIVE_INFINITY);
  });

  test("is told of at the time when it happened, however late one looks", () => {
    const often = Array.from({ length: 7_000 }, (_, index) => [2 + index / 10, TIME] as const);
    expect(run([[2, "beat"], ...often]).states).toEqual(
      run([
        [2, "beat"],
        [800, TIME],
      ]).states,
    );
  });

  test("that never beats is degraded and offline as well", () => {
    expect(run([[70, TIME]]).states).toEqual([
      [30.25, "degraded"],
      [60.25, "offline"],
    ]);
  });

  test("stays healthy with one or two missed, over and over", () => {
    const course = Array.from({ length: 20 }, (_, index) => [index * 25, "beat"] as const);
    expect(run(course).states).toEqual([[0, "healthy"]]);
  });

  test("needs two beats in a row to be healthy again", () => {
    expect(
      run([
        [0, "beat"],
        [40, "beat"],
        [50, "beat"],
      ]).states,
    ).toEqual([
      [0, "healthy"],
      [30.25, "degraded"],
      [50, "healthy"],
    ]);
    expect(
      run([
        [0, "beat"],
        [100, "beat"],
        [110, "beat"],
      ]).states.at(-1),
    ).toEqual([110, "healthy"]);
  });

  test("does not come back by a single beat now and then", () => {
    const { states } = run([
      [0, "beat"],
      [40, "beat"],
      [60, "beat"],
      [80, "beat"],
      [100, "beat"],
      [101, TIME],
    ]);
    expect(states.map(([, state]) => state)).toEqual(["healthy", "degraded", "offline"]);
  });

  test("takes beats that arrive together as one sign of life", () => {
    const { states } = run([
      [0, "beat"],
      [40, "beat"],
      [40.001, "beat"],
      [40.002, "beat"],
    ]);
    expect(states.at(-1)).toEqual([30.25, "degraded"]);
  });

  test("that has begun to come back is not called offline meanwhile", () => {
    // the 30 s are over at 60.25
    expect(
      run([
        [0, "beat"],
        [55, "beat"],
        [65, "beat"],
      ]).states,
    ).toEqual([
      [0, "healthy"],
      [30.25, "degraded"],
      [65, "healthy"],
    ]);
    expect(
      run([
        [0, "beat"],
        [55, "beat"],
        [70, TIME],
      ]).states.at(-1),
    ).toEqual([65.25, "offline"]);
  });

  test.each(["degraded", "unhealthy"] as const)(
    "is degraded at once when it says that it is %s, and well after two that say so",
    (word) => {
      const { states, health } = run([
        [0, "beat"],
        [10, reports(word)],
        [20, "beat"],
      ]);
      expect(states).toEqual([
        [0, "healthy"],
        [10, "degraded"],
      ]);
      expect(causesOf(health)).toEqual([`reported ${word}`]);
      expect(run([[30, "beat"]], health).states).toEqual([[30, "healthy"]]);
    },
  );

  test("that says it is degraded and then is silent goes offline like others", () => {
    expect(
      run([
        [0, reports("degraded")],
        [100, TIME],
      ]).states,
    ).toEqual([
      [0, "degraded"],
      [60.25, "offline"],
    ]);
  });

  test("is degraded by three failed checks in a row, well after two good ones", () => {
    const failing = run([...beats(0, 0), [1, check(false)], [2, check(false)], [3, check(true)], [4, check(false)], [5, check(false)]]);
    expect(failing.states).toEqual([[0, "healthy"]]);
    const failed = run([[6, check(false)]], failing.health);
    expect(failed.states).toEqual([[6, "degraded"]]);
    expect(causesOf(failed.health)).toEqual(["health check fails"]);
    expect(
      run(
        [
          [7, check(true)],
          [8, check(false)],
          [9, check(true)],
          [9.5, check(true)],
        ],
        failed.health,
      ).states,
    ).toEqual([[9.5, "healthy"]]);
  });

  test("is granted a round when the conductor itself was away", () => {
    const away: HealthEvent = { kind: "gap", ms: 3_600_000 };
    expect(
      run([
        [0, "beat"],
        [3_605, away],
        [3_615, "beat"],
      ]).states,
    ).toEqual([[0, "healthy"]]);
    expect(
      run([
        [0, "beat"],
        [3_605, away],
        [3_700, TIME],
      ]).states.at(1),
    ).toEqual([3_635.25, "degraded"]);
    // what was left of the 30 s is left after it
    expect(
      run([
        [0, "beat"],
        [40, TIME],
        [3_640, { kind: "gap", ms: 3_600_000 }],
        [3_661, TIME],
      ]).states.at(-1),
    ).toEqual([3_660.25, "offline"]);
  });

  test("that leaves is gone, and hears of nothing any more", () => {
    const { states, health } = run([
      [0, "beat"],
      [1, { kind: "leave" }],
      [2, "beat"],
      [900, TIME],
    ]);
    expect(states.at(-1)).toEqual([1, "gone"]);
    expect(health.state).toBe("gone");
  });
});

describe("a component that does not beat", () => {
  const mute = newHealth(INTERVAL, LEASE, 0, false);
  const checks = (from: number, isOk: boolean, count: number): Course =>
    Array.from({ length: count }, (_, index) => [from + index * 10, check(isOk)]);

  test("is waited for without end, and healthy with its first good check", () => {
    expect(run([[1_000_000, TIME]], mute).states).toEqual([]);
    expect(nextAt(mute)).toBe(Number.POSITIVE_INFINITY);
    expect(run([[3, check(true)]], mute).states).toEqual([[3, "healthy"]]);
  });

  test("is degraded by three failed checks, offline 30 s later, and never gone", () => {
    const { states, misses, health } = run([...checks(0, true, 1), ...checks(10, false, 3), [1_000_000, TIME]], mute);
    expect(states).toEqual([
      [0, "healthy"],
      [30, "degraded"],
      [60, "offline"],
    ]);
    expect(misses).toEqual([]);
    expect(causesOf(health)).toEqual(["health check fails"]);
    expect(run(checks(1_000_010, true, 2), health).states).toEqual([[1_000_020, "healthy"]]);
  });

  test("that has begun to come back is not called offline meanwhile, and at once where it has not", () => {
    const degraded = run([...checks(0, false, 3), [30, check(true)]], mute);
    expect(degraded.states).toEqual([[20, "degraded"]]);
    expect(run([[60, check(true)]], degraded.health).states).toEqual([[60, "healthy"]]);
    expect(run([[60, check(false)]], degraded.health).states).toEqual([[60, "offline"]]);
  });

  test("is not blamed for what the conductor slept through", () => {
    const { health } = run(checks(0, false, 3), mute);
    expect(
      run(
        [
          [3_620, { kind: "gap", ms: 3_600_000 }],
          [3_649, TIME],
        ],
        health,
      ).states,
    ).toEqual([]);
  });

  test("hears of no beat, and leaves when it is told to", () => {
    expect(run([[1, "beat"]], mute).states).toEqual([]);
    expect(run([[1, { kind: "leave" }]], mute).states).toEqual([[1, "gone"]]);
  });
});

/** The same rules told from the checks alone. */
function stateByChecks(checksSoFar: readonly [at: number, isOk: boolean][], now: number): State {
  let state = "starting" as State;
  let failed = 0;
  let good = 0;
  let downAt = 0;
  const pass = (until: number): void => {
    if (state === "degraded" && good === 0 && until >= downAt + OFFLINE_AFTER_MS) state = "offline";
  };
  const takeUp = (isOk: boolean, at: number): void => {
    if (isOk) state = "healthy";
    if (failed === 3) [state, downAt] = ["degraded", at];
  };
  const takeDown = (): void => {
    if (good === 2) state = "healthy";
  };
  for (const [at, isOk] of checksSoFar) {
    pass(at);
    [good, failed] = isOk ? [good + 1, 0] : [0, failed + 1];
    if (state === "degraded" || state === "offline") takeDown();
    else takeUp(isOk, at);
    if (state === "healthy") good = 0;
    pass(at);
  }
  pass(now);
  return state;
}

test("any course of checks leads where the model says", () => {
  const random = seededRandom(Number(process.env.HARBOR_TEST_SEED ?? 4_711));
  for (let round = 0; round < 3_000; round++) {
    const course: [number, boolean][] = [];
    let at = 1_000;
    for (let count = random.upTo(16); count > 0; count--) {
      at += 1_000 * random.pick([0.5, 2, 5, 10, 25, 31]);
      course.push([at, random.pick([true, false, false])]);
    }
    const now = at + 1_000 * random.pick([0, 1, 29, 30, 31, 5_000]);
    const looks = Array.from({ length: random.upTo(6) }, () => [random.upTo(now), TIME] as const);
    const events = [...course.map(([moment, isOk]) => [moment, check(isOk)] as const), ...looks].sort((a, b) => a[0] - b[0]);
    const all = [...events, [now, TIME] as const].map(([moment, event]) => [moment / 1_000, event] as const);
    const { health } = run(all, newHealth(INTERVAL, LEASE, 0, false));
    const expected = stateByChecks(course, now);
    if (health.state !== expected) throw new Error(`${JSON.stringify(course)} at ${now}: ${health.state}, by the model ${expected}`);
  }
});

/** The same rules told from the beats alone, pause by pause: no deadlines, no steps between. */
function stateByModel(beatsSoFar: readonly [at: number, reported: Reported][], now: number): State {
  let silentFrom: number | undefined;
  let offlineFrom: number | undefined;
  let believed: Reported = "healthy";
  let last = 0;
  let lastCounted = Number.NEGATIVE_INFINITY;
  let inRow = 0;
  let wellInRow = 0;
  const passPause = (until: number): void => {
    const [first, third] = [last + INTERVAL + GRACE_MS, last + 3 * INTERVAL + GRACE_MS];
    if (until < first) return;
    inRow = 0;
    wellInRow = 0;
    if (third <= until) silentFrom ??= third;
    if (silentFrom === undefined) return;
    const strikes = Math.max(silentFrom + OFFLINE_AFTER_MS, first);
    if (strikes <= until) offlineFrom ??= strikes;
  };
  for (const [at, reported] of beatsSoFar) {
    passPause(at);
    const count = at - lastCounted >= INTERVAL / 2 ? 1 : 0;
    if (count === 1) lastCounted = at;
    inRow += count;
    wellInRow = reported === "healthy" ? wellInRow + count : 0;
    if (inRow >= 2) silentFrom = offlineFrom = undefined;
    believed = believe(believed, reported, wellInRow);
    last = at;
  }
  passPause(now);
  if (offlineFrom !== undefined) return now >= Math.max(last + LEASE, offlineFrom) ? "gone" : "offline";
  return nameState(silentFrom !== undefined || believed !== "healthy", beatsSoFar.length > 0);
}

function believe(before: Reported, reported: Reported, wellInRow: number): Reported {
  return reported !== "healthy" || wellInRow >= 2 ? reported : before;
}

function nameState(isUnwell: boolean, hasBeaten: boolean): State {
  if (isUnwell) return "degraded";
  return hasBeaten ? "healthy" : "starting";
}

test("any course of beats leads where the model says", () => {
  const random = seededRandom(Number(process.env.HARBOR_TEST_SEED ?? 20_261_122));
  for (let round = 0; round < 3_000; round++) {
    const course: [number, Reported][] = [];
    let at = 0;
    for (let count = random.upTo(14); count > 0; count--) {
      at += 1_000 * random.pick([0.001, 1, 4, 5, 9, 10, 10.2, 10.3, 12, 20, 25, 31, 45, 70]) + random.upTo(1_000);
      course.push([at, random.pick<Reported>(["healthy", "healthy", "healthy", "degraded", "unhealthy"])]);
    }
    // looked at on the way, too, which must make no difference
    const looks = Array.from({ length: random.upTo(6) }, () => [random.upTo(at + 90_000), TIME] as const);
    const now = at + 1_000 * random.pick([0, 1, 10.24, 10.25, 30.25, 60.25, 90, 700]);
    const events = [
      ...course.map(([moment, reported]) => [moment, reports(reported)] as const),
      ...looks.filter(([moment]) => moment < now),
    ];
    const sorted = [...events.sort((a, b) => a[0] - b[0]), [now, TIME] as const];
    const { health } = run(sorted.map(([moment, event]) => [moment / 1_000, event]));
    const expected = stateByModel(course, now);
    if (health.state !== expected) throw new Error(`${JSON.stringify(course)} at ${now}: ${health.state}, by the model ${expected}`);
  }
});

/** One step, whatever it was: changes follow on each other, in the order of time, and lead where they may. */
function expectRules(before: Health, after: Health, effects: readonly Effect[], now: number): void {
  const changes = effects.filter((effect) => effect.kind === "changed");
  const chain = [before.state, ...changes.map(({ to }) => to)];
  expect(changes.map(({ from }) => from)).toEqual(chain.slice(0, -1));
  expect(chain.at(-1)).toBe(after.state);
  expect(effects.every(({ at }, index) => at <= now && at >= (effects[index - 1]?.at ?? 0))).toBe(true);
  expect(changes.filter(({ from, to }) => from === "gone" || (to === "offline" && from !== "degraded"))).toEqual([]);
  const isBad = after.state === "degraded" || after.state === "offline";
  if (after.state !== "gone") expect(causesOf(after).length > 0).toBe(isBad);
}

test("whatever happens, the rules of the states hold", () => {
  const random = seededRandom(Number(process.env.HARBOR_TEST_SEED ?? 77));
  for (let round = 0; round < 3_000; round++) {
    let health = newHealth(random.pick([1_000, 5_000, 30_000]), 120_000, 0, random.pick([true, true, false]));
    let now = 0;
    for (let count = 0; count < 40; count++) {
      now += random.pick([0, 1, 400, 999, 1_000, 1_251, 5_000, 31_000]);
      const event = random.pick<HealthEvent>([
        reports("healthy"),
        reports("healthy"),
        reports("degraded"),
        TIME,
        check(true),
        check(false),
        { kind: "gap", ms: 700 },
        { kind: "gap", ms: 700, isAgain: true },
      ]);
      const before = health;
      const { health: after, effects } = step(health, event, now);
      health = after;
      expectRules(before, after, effects, now);
      expect(nextAt(after)).toBeGreaterThan(event.kind === "gap" ? Number.NEGATIVE_INFINITY : now);
    }
  }
});
