/**
 * The health of many, packed into two arrays: 72 bytes each, and none of it for the garbage collector to look at. As objects, of
 * which every heartbeat makes a new one, they would take twice that and leave as much behind for each beat.
 */
import type { Health, Reported, State } from "./health.ts";

const STATES: readonly State[] = ["starting", "healthy", "degraded", "offline", "gone"];
const REPORTED: readonly Reported[] = ["healthy", "degraded", "unhealthy"];
const NUMBERS = 8;
const BYTES = 8;
const FIRST = 64;
const MOST = 255;

export class HealthTable {
  #numbers = new Float64Array(FIRST * NUMBERS);
  #bytes = new Uint8Array(FIRST * BYTES);

  read(slot: number): Health {
    const number = (index: number): number => this.#numbers[slot * NUMBERS + index] as number;
    const byte = (index: number): number => this.#bytes[slot * BYTES + index] as number;
    const beatAt = number(3);
    return {
      since: number(0),
      intervalMs: number(1),
      leaseMs: number(2),
      beatAt: Number.isNaN(beatAt) ? undefined : beatAt,
      dueAt: number(4),
      goneAt: number(5),
      silentSince: number(6),
      countedAt: number(7),
      state: STATES[byte(0)] as State,
      missed: byte(1),
      streak: byte(2),
      wellStreak: byte(3),
      reported: REPORTED[byte(4)] as Reported,
      failedChecks: byte(5),
      goodChecks: byte(6),
      doesBeat: byte(7) === 0,
    };
  }

  write(slot: number, health: Health): void {
    if ((slot + 1) * NUMBERS > this.#numbers.length) this.#grow(slot);
    const { since, intervalMs, leaseMs, beatAt = Number.NaN, dueAt, goneAt, silentSince, countedAt } = health;
    this.#numbers.set([since, intervalMs, leaseMs, beatAt, dueAt, goneAt, silentSince, countedAt], slot * NUMBERS);
    const { missed, streak, wellStreak, failedChecks, goodChecks } = health;
    const isMute = health.doesBeat ? 0 : 1;
    const state = STATES.indexOf(health.state);
    const reported = REPORTED.indexOf(health.reported);
    this.#bytes.set([state, Math.min(MOST, missed), streak, wellStreak, reported, failedChecks, goodChecks, isMute], slot * BYTES);
  }

  #grow(slot: number): void {
    const slots = Math.max(slot + 1, Math.ceil((this.#bytes.length / BYTES) * 1.5));
    const [numbers, bytes] = [new Float64Array(slots * NUMBERS), new Uint8Array(slots * BYTES)];
    numbers.set(this.#numbers);
    bytes.set(this.#bytes);
    this.#numbers = numbers;
    this.#bytes = bytes;
  }
}
