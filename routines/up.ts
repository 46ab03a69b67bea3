#!/usr/bin/env bun
/**
 * `harbor up`: start services, each on what it was asked to run on, joined into one network.
 *
 *   bun routines/up.ts -x ollama webui
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { parseDuration } from "./_script/duration.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { runScript } from "./_script/script.ts";
import { workingDirectory } from "./_script/working-directory.ts";
import { makePlan } from "./compose/make-plan.ts";
import { selectionArgs } from "./compose/selection-args.ts";
import { findHome } from "./config/find-home.ts";
import { renderPlan } from "./plan.ts";
import { bringUp } from "./stack/bring-up.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { observeStack, type ServiceStatus } from "./stack/observe-stack.ts";
import { createProgress } from "./stack/progress.ts";
import { readStack } from "./stack/read-stack.ts";
import { renderReport } from "./stack/render-report.ts";
import { warn } from "./stack/say.ts";
import { whatRuns } from "./stack/what-runs.ts";
import { wordState } from "./stack/word-state.ts";

export const command = defineCommand({
  meta: {
    name: "up",
    description: "Start services, natively or in containers, joined into one network",
    examples: [
      "harbor up                        The built-in mock model server, natively",
      "harbor up -x ollama webui        Ollama as a process, Open WebUI in a container",
      "harbor up -n ollama redis webui  Natively those of them that can be",
      "harbor up webui nvidia --open    With the nvidia capability; open the browser",
    ],
  },
  changes: "tried",
  args: {
    ...selectionArgs,
    build: { type: "boolean", description: "Build images first" },
    pull: { type: "boolean", description: "Pull images, also those that are here" },
    attach: { type: "boolean", alias: "a", description: "Follow the logs; Ctrl-C stops what this call started" },
    tail: { type: "boolean", alias: "t", description: "Follow the logs; Ctrl-C leaves everything running" },
    open: { type: "boolean", alias: "o", description: "Open the first service with a URL in the browser" },
    keep: { type: "boolean", description: "If something fails, leave what was started as it is" },
    "wait-timeout": { type: "string", description: "How long to wait until all is ready, such as 90s or 10m", valueHint: "T" },
    "dry-run": { type: "boolean", description: "Show the plan and start nothing" },
    ...jsonArg,
  },
  async run({ args }) {
    const env = process.env;
    const home = findHome(env);
    const timeoutMs = readTimeout(args["wait-timeout"]);
    if (args["dry-run"]) {
      const record = readStack(home);
      const { workspace } = findStackWorkspace({ home, record, directory: args.workspace });
      const made = await makePlan({ args, env, workspace, running: whatRuns(record), sealed: true });
      warn(made.selection.warnings);
      const { maskPlan } = await import("./compose/mask-plan.ts");
      return emit(maskPlan(made), { json: args.json, render: (it) => renderPlan(it, { explain: false, cwd: workingDirectory() }) });
    }
    using interrupt = listenForInterrupt();
    const { signal } = interrupt;
    const progress = createProgress(args.json);
    const before = readStack(home);
    const { made, engine } = await bringUp({
      args,
      home,
      env,
      build: args.build,
      pull: args.pull,
      keep: args.keep,
      timeoutMs,
      signal,
      progress,
      purpose: "harbor up",
    });
    const { project } = made.plan;
    const isDefault = args.names.length + args.exclude.length + args.container.length === 0;
    const { services } = await observeStack({ home, env, project, needsEngine: false, signal, engine });
    emit(services, { json: args.json, render: (them) => renderReport({ services: them, workspace: made.plan.workspace, isDefault }) });
    warn(services.filter((it) => it.health === "degraded").flatMap((it) => wordState(it) ?? []));
    if (args.open) await openFirst(services, args.names);
    if (args.attach || args.tail) {
      const { followStack } = await import("./stack/follow-stack.ts");
      const started = made.plan.services.map((it) => it.handle).filter((handle) => !before?.services.includes(handle));
      await followStack({ home, env, project, handles: started, signal, stopsAtEnd: args.attach, progress });
    }
  },
});

function readTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
  if (ms !== undefined) return ms;
  throw new HarborError(`Cannot use --wait-timeout "${text}": it is no duration`, { exit: "usage", hint: "Write it like 90s or 10m" });
}

async function openFirst(services: readonly ServiceStatus[], names: readonly string[]): Promise<void> {
  const named = services.filter((service) => names.includes(service.handle));
  const url = [...named, ...services].find((service) => service.urls[0] !== undefined)?.urls[0];
  if (url === undefined) return warn(["Nothing to open: no service has a URL"]);
  const { openUrl } = await import("./host/open-url.ts");
  // all is up: a host without a browser is no failure of that
  await openUrl({ url }).catch((error: unknown) => {
    if (!(error instanceof HarborError)) throw error;
    warn([error.message]);
  });
}

if (import.meta.main) await runScript(command);
