/** What of the stack can be reached from elsewhere, as `harbor expose` and `tunnel` opened it: meant, and still as it was meant. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listReach, mayBeOpen, type ReachRecord, reachFolder } from "../reach/read-reach.ts";
import type { Check } from "./check.ts";
import { type Finding, ok, warning } from "./finding.ts";

export interface ReachFacts {
  records: readonly (Pick<ReachRecord, "way" | "handle" | "url" | "user"> & { isOpen: boolean; expiresMs: number | undefined })[];
  /** What is up by the record. */
  up: readonly string[];
  nowMs: number;
}

/** Soon enough to do something about it. */
const SOON_MS = 14 * 86_400_000;

export function judgeReach({ records, up, nowMs }: ReachFacts): Finding[] {
  if (records.length === 0) return [ok("nothing is exposed, and there is no tunnel")];
  return records.map((record) => {
    const { handle, url, user } = record;
    return (
      judgeGone(record, up) ??
      judgeOpen(record) ??
      judgeExpiry(record, nowMs) ??
      ok(`${handle} is reached at ${url}, by ${user} and a password`)
    );
  });
}

type Reach = ReachFacts["records"][number];

const againOf = ({ way, handle }: Reach): string => `harbor ${way} ${handle}`;
const closeOf = ({ way, handle }: Reach): string => (way === "expose" ? `harbor unexpose ${handle}` : `harbor tunnel down ${handle}`);

function judgeGone(record: Reach, up: readonly string[]): Finding | undefined {
  const { handle, url, isOpen } = record;
  if (isOpen && up.includes(handle)) return undefined;
  return warning({
    what: `${handle} is noted as reached at ${url}, and ${isOpen ? "is not up" : "is not any more"}`,
    why: "Who goes there gets no answer",
    fix: isOpen ? `harbor up ${handle}, or ${closeOf(record)}` : `${againOf(record)} opens it again, ${closeOf(record)} forgets it`,
  });
}

function judgeOpen(record: Reach): Finding | undefined {
  const { handle, url, user } = record;
  if (user !== null) return undefined;
  return warning({
    what: `${handle} is open to the internet at ${url}, and nobody asks for a password`,
    why: "Whoever learns the URL can use it",
    fix: `${closeOf(record)}, unless it is meant; ${againOf(record)} asks for one`,
  });
}

function judgeExpiry(record: Reach, nowMs: number): Finding | undefined {
  const { url, expiresMs } = record;
  if (expiresMs === undefined || expiresMs - nowMs >= SOON_MS) return undefined;
  return warning({
    what: `the certificate of ${url} ${expiresMs < nowMs ? "has expired" : "expires soon"}: ${new Date(expiresMs).toISOString().slice(0, 10)}`,
    why: "Browsers refuse it from then on",
    fix: `${againOf(record)} makes another, or takes the new one that --cert names`,
  });
}

function expiryOf(home: string, { way, handle }: ReachRecord): number | undefined {
  try {
    return Date.parse(new X509Certificate(readFileSync(join(reachFolder(home, way, handle), "front.pem"))).validTo);
  } catch {
    return undefined; // a tunnel has none
  }
}

export const checkReach: Check = {
  name: "reach",
  group: "network",
  about: "what others can reach, by harbor expose and tunnel",
  run(context) {
    const { home } = context;
    const records = listReach(home).map((it) => ({ ...it, isOpen: mayBeOpen(it), expiresMs: expiryOf(home, it) }));
    return judgeReach({ records, up: context.record()?.services ?? [], nowMs: Date.now() });
  },
};
