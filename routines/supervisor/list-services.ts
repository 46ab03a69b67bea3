#!/usr/bin/env bun
/**
 * The native services that were started and not taken down since: what each is, since when and why.
 *
 *   bun routines/supervisor/list-services.ts --json
 */
import { defineCommand, jsonArg } from "../_script/command.ts";
import { emit } from "../_script/emit.ts";
import { runScript } from "../_script/script.ts";
import { findHome } from "../config/find-home.ts";
import type { Env } from "../config/read-values.ts";
import { recordPaths } from "../native/process-record.ts";
import { supervisorPaths } from "./_paths.ts";
import { listServices as listStored, readServices, type StoredService } from "./_store.ts";
import { findRunning, SupervisorClient } from "./connect-supervisor.ts";
import type { ServiceReport } from "./report.ts";

/** Where read-log.ts finds what a service writes. */
export interface LogFolder {
  handle: string;
  folder: string;
}

/** By handle. Starts the supervisor where one should run and does not: it may have been killed. */
export async function listServices(options: { home: string; env: Env }): Promise<ServiceReport[]> {
  const running = findRunning(options);
  if (running !== undefined) return running.services();
  const { directory } = supervisorPaths(options.home);
  const { services, broken } = readServices(directory);
  if (!services.every(isAtRest)) return new SupervisorClient(options).services();
  return [...services.map(reportOf), ...broken].sort((a, b) => (a.handle < b.handle ? -1 : 1));
}

/** By handle; the supervisor is not asked: what is there to be read is there without it. */
export function listLogFolders(home: string): LogFolder[] {
  const { directory } = supervisorPaths(home);
  return listStored(directory).map((handle) => ({ handle, folder: recordPaths(directory, handle).folder }));
}

/** Nothing runs, nothing will by itself: no supervisor is needed for that. */
function isAtRest({ state, isAsleep }: StoredService): boolean {
  return (state === "stopped" || state === "failed") && !isAsleep;
}

function reportOf({ spec, state, why, since, run, restarts, isWanted, isAsleep, isCompleted, isLate }: StoredService): ServiceReport {
  const rest = {
    pid: null,
    port: spec.port ?? null,
    startedAt: null,
    logRun: null,
    lastSeen: "",
    status: "",
    contract: spec.contract,
    dependsOn: Object.keys(spec.dependsOn),
    wasKilled: false,
  };
  return { handle: spec.handle, state, why, since, run, restarts, isWanted, isAsleep, isCompleted, isLate, ...rest };
}

export const command = defineCommand({
  meta: { name: "list-services", description: "The native services that were started", examples: ["harbor routine list-services --json"] },
  args: { ...jsonArg },
  async run({ args }) {
    const services = await listServices({ home: findHome(process.env), env: process.env });
    const line = (it: ServiceReport): string => `${it.handle}\t${it.state}\t${it.pid === null ? "-" : `pid ${it.pid}`}\t${it.why}`;
    emit(services, { json: args.json, render: (all) => all.map(line).join("\n") });
  },
});

if (import.meta.main) await runScript(command);
