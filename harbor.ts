#!/usr/bin/env bun
/** The dispatcher: a word → its routine, imported when it is called; in the groups that `harbor help` shows. No logic of its own. */
import { dispatch } from "./routines/_script/dispatch.ts";
import { listenForChanges } from "./routines/_script/on-change.ts";

listenForChanges(async (change) => (await import("./routines/history/note-change.ts")).noteChange(change));

// no top-level await: the built package is one CommonJS file, the only form that bun compiles to bytecode
void dispatch(
  {
    "Start and stop": {
      up: () => import("./routines/up.ts"),
      down: () => import("./routines/down.ts"),
      restart: () => import("./routines/restart.ts"),
      stop: () => import("./routines/stop.ts"),
      autostart: () => import("./routines/autostart.ts"),
    },
    Look: {
      ls: () => import("./routines/ls.ts"),
      info: () => import("./routines/info.ts"),
      ps: () => import("./routines/ps.ts"),
      url: () => import("./routines/url.ts"),
      open: () => import("./routines/open.ts"),
      qr: () => import("./routines/qr.ts"),
      logs: () => import("./routines/logs.ts"),
      attach: () => import("./routines/attach.ts"),
      top: () => import("./routines/top.ts"),
      stats: () => import("./routines/stats.ts"),
      size: () => import("./routines/size.ts"),
      find: () => import("./routines/find.ts"),
      history: () => import("./routines/history.ts"),
    },
    "Work with what runs": {
      run: () => import("./routines/run.ts"),
      exec: () => import("./routines/exec.ts"),
      shell: () => import("./routines/shell.ts"),
      launch: () => import("./routines/launch.ts"),
      models: () => import("./routines/models.ts"),
      conductor: () => import("./services/conductor/command.ts"),
    },
    Reach: {
      connect: () => import("./routines/connect.ts"),
      disconnect: () => import("./routines/disconnect.ts"),
      expose: () => import("./routines/expose.ts"),
      unexpose: () => import("./routines/unexpose.ts"),
      tunnel: () => import("./routines/tunnel.ts"),
    },
    Configure: {
      config: () => import("./routines/config.ts"),
      env: () => import("./routines/env.ts"),
      secrets: () => import("./routines/secrets.ts"),
      profile: () => import("./routines/profile.ts"),
      defaults: () => import("./routines/defaults.ts"),
      volumes: () => import("./routines/volumes.ts"),
      alias: () => import("./routines/alias.ts"),
    },
    Keep: {
      pull: () => import("./routines/pull.ts"),
      build: () => import("./routines/build.ts"),
      update: () => import("./routines/update.ts"),
      prune: () => import("./routines/prune.ts"),
      backup: () => import("./routines/backup.ts"),
      restore: () => import("./routines/restore.ts"),
    },
    "Look behind it": {
      plan: () => import("./routines/plan.ts"),
      cmd: () => import("./routines/cmd.ts"),
      eject: () => import("./routines/eject.ts"),
      supervisor: () => import("./routines/supervisor.ts"),
      provider: () => import("./routines/provider.ts"),
      compose: () => import("./routines/compose.ts"),
      routine: () => import("./routines/routine.ts"),
    },
    "Harbor itself": {
      doctor: () => import("./routines/doctor.ts"),
      how: () => import("./routines/how.ts"),
      completion: () => import("./routines/completion.ts"),
      version: () => import("./routines/version.ts"),
      uninstall: () => import("./routines/uninstall.ts"),
    },
  },
  process.argv.slice(2),
  () => import("./routines/help/explain-words.ts"),
);
