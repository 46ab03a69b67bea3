/** What tests and the programs they start make messages of: nothing of the test runner. */
import type { NewMessage } from "../../../../services/conductor/store/store.ts";

/** A message with what does not matter filled in. */
export function message(from: string, to: string, payload: unknown = null, more: Partial<NewMessage> = {}): NewMessage {
  return { from, to, type: "test", payload, sentAt: 1, expiresAt: null, idempotencyKey: null, headers: {}, ...more };
}

/** The same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
