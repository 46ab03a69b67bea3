#!/usr/bin/env bun
/** The dispatcher: a word → its routine, imported when it is called. No logic of its own. */
import { dispatch } from "./routines/_script/dispatch.ts";
import { listenForChanges } from "./routines/_script/on-change.ts";

listenForChanges(async (change) => (await import("./routines/history/note-change.ts")).noteChange(change));

// no top-level await: the built package is one CommonJS file, the only form that bun compiles to bytecode
void dispatch(
  {
    up: () => import("./routines/up.ts"),
    down: () => import("./routines/down.ts"),
    ps: () => import("./routines/ps.ts"),
    top: () => import("./routines/top.ts"),
    stats: () => import("./routines/stats.ts"),
    size: () => import("./routines/size.ts"),
    find: () => import("./routines/find.ts"),
    history: () => import("./routines/history.ts"),
    restart: () => import("./routines/restart.ts"),
    stop: () => import("./routines/stop.ts"),
    logs: () => import("./routines/logs.ts"),
    attach: () => import("./routines/attach.ts"),
    run: () => import("./routines/run.ts"),
    launch: () => import("./routines/launch.ts"),
    connect: () => import("./routines/connect.ts"),
    disconnect: () => import("./routines/disconnect.ts"),
    expose: () => import("./routines/expose.ts"),
    unexpose: () => import("./routines/unexpose.ts"),
    tunnel: () => import("./routines/tunnel.ts"),
    url: () => import("./routines/url.ts"),
    open: () => import("./routines/open.ts"),
    qr: () => import("./routines/qr.ts"),
    ls: () => import("./routines/ls.ts"),
    info: () => import("./routines/info.ts"),
    plan: () => import("./routines/plan.ts"),
    cmd: () => import("./routines/cmd.ts"),
    eject: () => import("./routines/eject.ts"),
    env: () => import("./routines/env.ts"),
    config: () => import("./routines/config.ts"),
    models: () => import("./routines/models.ts"),
    defaults: () => import("./routines/defaults.ts"),
    volumes: () => import("./routines/volumes.ts"),
    alias: () => import("./routines/alias.ts"),
    autostart: () => import("./routines/autostart.ts"),
    provider: () => import("./routines/provider.ts"),
    compose: () => import("./routines/compose.ts"),
    routine: () => import("./routines/routine.ts"),
    supervisor: () => import("./routines/supervisor.ts"),
    completion: () => import("./routines/completion.ts"),
    doctor: () => import("./routines/doctor.ts"),
    version: () => import("./routines/version.ts"),
  },
  process.argv.slice(2),
);
