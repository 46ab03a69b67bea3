/** Ends a command of Harbor's at a random moment, as `kill -9` or a power cut does. */
import { statSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { Random } from "../differential/_random.ts";

export interface KillAtRandomOptions {
  child: Bun.Subprocess;
  random: Random;
  /** How long the command takes, when it is let be. */
  usualMs: number;
  /** Taken by the command before it writes. */
  lock: string;
}

/** How long a command may be at its writing. */
const WRITING_MS = 3;

/** Once it has ended, killed or not. Half of the moments are out of its whole life, half while it writes: that is the smallest part. */
export async function killAtRandom({ child, random, usualMs, lock }: KillAtRandomOptions): Promise<void> {
  const isWriting = random.chance(0.5);
  const afterMs = random.next() * (isWriting ? WRITING_MS : usualMs);
  // that of one who was killed stays, until the next one takes it
  const before = inodeOf(lock);
  const isTaken = (): boolean => ![undefined, before].includes(inodeOf(lock));
  if (isWriting) while (child.exitCode === null && !isTaken()) await setImmediate();
  const atMs = performance.now() + afterMs;
  // to the microsecond, which no timer is
  while (child.exitCode === null && performance.now() < atMs) await setImmediate();
  child.kill("SIGKILL");
  await child.exited;
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
