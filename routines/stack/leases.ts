/**
 * Leases: which compose projects of the user's own have asked for which native services (`provider: { type: harbor }` in
 * their files). A native service goes on while one of them, or the stack itself, has it. Each is a folder of `state/leases/`.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HarborError } from "../_script/error.ts";
import { readBootId } from "../_script/process-identity.ts";
import { writeFileWhole } from "../_script/write-file.ts";
import { readStack, stateOf } from "./read-stack.ts";
import { removeEmpty } from "./write-stack.ts";

/** A service in the user's file. */
export interface LeaseName {
  /** The compose project. */
  project: string;
  service: string;
}

export interface Lease extends LeaseName {
  /** The native service that stands behind it. */
  handle: string;
  /** The project is stopped, not taken down: nothing runs for it, what is kept stays. */
  isStopped: boolean;
  /** The boot it was taken in: after another one nothing of it runs. */
  bootId: string;
}

/** Throws for names that compose itself would not take, before they become a path. */
export function leaseFolder(home: string, { project, service }: LeaseName): string {
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(project))
    throw new HarborError(`Cannot use project "${project}": it is no name of a compose project`, { exit: "usage" });
  if (!/^[a-zA-Z0-9._-]+$/.test(service))
    throw new HarborError(`Cannot use service "${service}": it is no name of a compose service`, { exit: "usage" });
  return join(leasesFolder(home), `${project}.${service}`);
}

/** Undefined where there is none. */
export function readLease(home: string, name: LeaseName): Lease | undefined {
  return readFolder(leaseFolder(home, name));
}

/** All there are, by project and service. */
export function listLeases(home: string): Lease[] {
  const folder = leasesFolder(home);
  return namesIn(folder)
    .sort()
    .flatMap((name) => readFolder(join(folder, name)) ?? []);
}

export function writeLease(home: string, lease: Lease): void {
  writeFileWhole(join(leaseFolder(home, lease), "lease.json"), `${JSON.stringify(lease, null, 2)}\n`);
}

/** With the files that were made for it. */
export function removeLease(home: string, name: LeaseName): void {
  rmSync(leaseFolder(home, name), { recursive: true, force: true });
  removeEmpty(leasesFolder(home));
}

/** Who has a native service running, in words; without the one named. */
export function listHolders(home: string, handle: string, except?: LeaseName): string[] {
  const bootId = readBootId();
  const isAnother = (it: Lease): boolean => it.project !== except?.project || it.service !== except.service;
  const leases = listLeases(home).filter((it) => it.handle === handle && it.bootId === bootId && !it.isStopped && isAnother(it));
  const record = readStack(home);
  const isInStack = record !== undefined && record.bootId === bootId && record.natives.includes(handle);
  const projects = new Set(leases.map(({ project }) => `compose project "${project}"`));
  return [...(isInStack ? ["`harbor up`"] : []), ...projects];
}

function leasesFolder(home: string): string {
  return join(stateOf(home).directory, "leases");
}

function readFolder(folder: string): Lease | undefined {
  const path = join(folder, "lease.json");
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Lease;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new HarborError(`Cannot read "${path}": ${(cause as Error).message}`, {
      cause,
      hint: "Remove it, then run `harbor ps` to see what runs",
    });
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
