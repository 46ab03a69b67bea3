#!/usr/bin/env bun
/**
 * `harbor supervisor`: the process that keeps native services running. It starts by itself when it is needed, and ends
 * when nothing is left.
 *
 *   bun routines/supervisor.ts status --json
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit, emitText } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { programVersion } from "./_script/program-version.ts";
import { runScript } from "./_script/script.ts";
import { findHome } from "./config/find-home.ts";
import { note } from "./stack/say.ts";
import { findRunning, SupervisorClient } from "./supervisor/connect-supervisor.ts";
import type { Hello } from "./supervisor/report.ts";
import { stopServices } from "./supervisor/stop-services.ts";

interface Context {
  home: string;
  json: boolean;
  all: boolean;
}

const ACTIONS: Record<string, (context: Context) => Promise<void>> = {
  run: async ({ home }) => {
    const { runSupervisor } = await import("./supervisor/run-supervisor.ts");
    using interrupt = listenForInterrupt();
    const say = (text: string): void => emitText(`${new Date().toISOString()} ${text}`);
    const isOnly = await runSupervisor({ home, version: programVersion(), signal: interrupt.signal, say });
    if (!isOnly) say("another supervisor runs");
  },
  status: async ({ home, json }) => {
    const hello = await findRunning({ home, env: process.env })?.hello();
    if (hello === undefined && !json) note("no supervisor runs; one starts with the first native service");
    emit(hello ?? null, { json, render: (it) => (it === null ? "" : renderHello(it)) });
  },
  stop: async ({ home, json, all }) => {
    const stopped = all ? await stopServices({ home, env: process.env, handles: [], forget: false }) : [];
    const running = findRunning({ home, env: process.env });
    await running?.leave();
    const handles = stopped.map(({ handle }) => handle);
    emit({ wasRunning: running !== undefined || handles.length > 0, stopped: handles }, { json, render: (it) => renderStop(it, all) });
  },
  restart: async ({ home, json }) => {
    await findRunning({ home, env: process.env })?.leave();
    emit(await new SupervisorClient({ home, env: process.env }).hello(), { json, render: renderHello });
  },
};

interface Stopped {
  wasRunning: boolean;
  /** Handles of the services that were ended with it. */
  stopped: string[];
}

function renderStop({ wasRunning, stopped }: Stopped, all: boolean): string {
  if (wasRunning && !all) note("the supervisor has ended; native services go on, and the next command that asks for them starts another");
  else if (!wasRunning) note("no supervisor runs");
  return stopped.map((handle) => `${handle}: stopped`).join("\n");
}

function renderHello({ pid, version, home, startedAt, services, memory, troubles }: Hello): string {
  const figures = `pid ${pid}, version ${version}, ${services} service${services === 1 ? "" : "s"}, ${(memory / 1e6).toFixed(1)} MB, since ${startedAt}`;
  return [`${home}\t${figures}`, ...troubles.map((text) => `  ${text}`)].join("\n");
}

export const command = defineCommand({
  meta: {
    name: "supervisor",
    description: "Look at the process that keeps native services running, or end it",
    examples: [
      "harbor supervisor status",
      "harbor supervisor stop            It ends; native services go on",
      "harbor supervisor stop --all      With every native service",
      "harbor supervisor restart         Another one takes over, as after an upgrade",
    ],
  },
  changes: ({ action }) => (action === "stop" || action === "restart" ? "tried" : undefined),
  args: {
    action: { type: "positional", description: "status, stop or restart; run is what Harbor itself calls", required: true },
    all: { type: "boolean", description: "With stop: every native service as well" },
    ...jsonArg,
  },
  async run({ args }) {
    const action = Object.hasOwn(ACTIONS, args.action) ? ACTIONS[args.action] : undefined;
    if (action === undefined)
      throw new HarborError(`Cannot ${args.action} the supervisor: there is no such action`, {
        exit: "usage",
        hint: "Use status, stop or restart",
      });
    await action({ home: findHome(process.env), json: args.json, all: args.all });
  },
});

if (import.meta.main) await runScript(command);
