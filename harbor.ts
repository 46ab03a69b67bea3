#!/usr/bin/env bun
/** The dispatcher: a word → its routine, imported when it is called. No logic of its own. */
import { dispatch } from "./routines/_script/dispatch.ts";

// no top-level await: the built package is one CommonJS file, the only form that bun compiles to bytecode
void dispatch(
  {
    up: () => import("./routines/up.ts"),
    down: () => import("./routines/down.ts"),
    ps: () => import("./routines/ps.ts"),
    top: () => import("./routines/top.ts"),
    restart: () => import("./routines/restart.ts"),
    stop: () => import("./routines/stop.ts"),
    logs: () => import("./routines/logs.ts"),
    attach: () => import("./routines/attach.ts"),
    run: () => import("./routines/run.ts"),
    exec: () => import("./routines/exec.ts"),
    shell: () => import("./routines/shell.ts"),
    url: () => import("./routines/url.ts"),
    pull: () => import("./routines/pull.ts"),
    build: () => import("./routines/build.ts"),
    update: () => import("./routines/update.ts"),
    prune: () => import("./routines/prune.ts"),
    backup: () => import("./routines/backup.ts"),
    restore: () => import("./routines/restore.ts"),
    uninstall: () => import("./routines/uninstall.ts"),
    ls: () => import("./routines/ls.ts"),
    plan: () => import("./routines/plan.ts"),
    cmd: () => import("./routines/cmd.ts"),
    eject: () => import("./routines/eject.ts"),
    env: () => import("./routines/env.ts"),
    config: () => import("./routines/config.ts"),
    autostart: () => import("./routines/autostart.ts"),
    provider: () => import("./routines/provider.ts"),
    compose: () => import("./routines/compose.ts"),
    routine: () => import("./routines/routine.ts"),
    supervisor: () => import("./routines/supervisor.ts"),
    completion: () => import("./routines/completion.ts"),
    version: () => import("./routines/version.ts"),
  },
  process.argv.slice(2),
);
