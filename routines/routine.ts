#!/usr/bin/env bun
/**
 * `harbor routine`: one stage by itself. Each is also a file that runs: `bun routines/<folder>/<name>.ts`.
 *
 *   bun routines/routine.ts resolve-files -x ollama webui
 */
import type { Command } from "./_script/command.ts";
import { defineCommand } from "./_script/command.ts";
import { type CommandTable, runNamed } from "./_script/dispatch.ts";

/** Routine → its module; spelled out so that a bundler sees each. */
export const routines: CommandTable = {
  "describe-service": () => import("./workspace/describe-service.ts"),
  "find-workspace": () => import("./workspace/find-workspace.ts"),
  "list-files": () => import("./workspace/list-files.ts"),
  "list-handles": () => import("./workspace/list-handles.ts"),
  "read-values": () => import("./config/read-values.ts"),
  "list-keys": () => import("./config/list-keys.ts"),
  "write-values": () => import("./config/write-values.ts"),
  "check-ports": () => import("./host/check-ports.ts"),
  "detect-capabilities": () => import("./host/detect-capabilities.ts"),
  "detect-gpu": () => import("./host/detect-gpu.ts"),
  "detect-onnx-providers": () => import("./host/detect-onnx-providers.ts"),
  "find-gateway": () => import("./host/find-gateway.ts"),
  "find-lan-address": () => import("./host/find-lan-address.ts"),
  "find-port-owner": () => import("./host/find-port-owner.ts"),
  "measure-folder": () => import("./host/measure-folder.ts"),
  "measure-gpu": () => import("./host/measure-gpu.ts"),
  "open-url": () => import("./host/open-url.ts"),
  "make-python-env": () => import("./host/make-python-env.ts"),
  "find-python": () => import("./host/find-python.ts"),
  "patch-pyproject": () => import("./host/patch-pyproject.ts"),
  "exclude-natives": () => import("./compose/exclude-natives.ts"),
  "make-plan": () => import("./compose/make-plan.ts"),
  "merge-compose": () => import("./compose/merge-compose.ts"),
  "resolve-files": () => import("./compose/resolve-files.ts"),
  "find-executable": () => import("./native/find-executable.ts"),
  "follow-log": () => import("./native/follow-log.ts"),
  "probe-process": () => import("./native/probe-process.ts"),
  "read-contract": () => import("./native/read-contract.ts"),
  "resolve-contract": () => import("./native/resolve-contract.ts"),
  "keep-log": () => import("./native/keep-log.ts"),
  "read-log": () => import("./native/read-log.ts"),
  "notify-supervisor": () => import("./native/notify-supervisor.ts"),
  "fetch-model": () => import("./models/fetch-model.ts"),
  "find-model-path": () => import("./models/find-model-path.ts"),
  "list-models": () => import("./models/list-models.ts"),
  "pull-model": () => import("./models/pull-model.ts"),
  "remove-model": () => import("./models/remove-model.ts"),
  "search-models": () => import("./models/search-models.ts"),
  "list-services": () => import("./supervisor/list-services.ts"),
  "restart-services": () => import("./supervisor/restart-services.ts"),
  "stop-services": () => import("./supervisor/stop-services.ts"),
  "disable-autostart": () => import("./autostart/disable-autostart.ts"),
  "enable-autostart": () => import("./autostart/enable-autostart.ts"),
  "read-autostart": () => import("./autostart/read-autostart.ts"),
  "install-provider": () => import("./provider/install-provider.ts"),
  "read-provider": () => import("./provider/read-provider.ts"),
  "uninstall-provider": () => import("./provider/uninstall-provider.ts"),
  "connect-engine": () => import("./engine/connect-engine.ts"),
  "control-containers": () => import("./engine/control-containers.ts"),
  "detect-engine-kind": () => import("./engine/detect-engine-kind.ts"),
  "find-compose": () => import("./engine/find-compose.ts"),
  "find-endpoint": () => import("./engine/find-endpoint.ts"),
  "list-containers": () => import("./engine/list-containers.ts"),
  "list-images": () => import("./engine/list-images.ts"),
  "measure-containers": () => import("./engine/measure-containers.ts"),
  "measure-disk": () => import("./engine/measure-disk.ts"),
  "read-logs": () => import("./engine/read-logs.ts"),
  "remove-containers": () => import("./engine/remove-containers.ts"),
  "run-compose": () => import("./engine/run-compose.ts"),
  "wait-containers": () => import("./engine/wait-containers.ts"),
  "observe-stack": () => import("./stack/observe-stack.ts"),
  "read-stack": () => import("./stack/read-stack.ts"),
};

export const command = defineCommand({
  meta: {
    name: "routine",
    description: "Run one stage by itself",
    examples: ["harbor routine", "harbor routine resolve-files -x ollama webui", "harbor routine merge-compose a.yml b.yml"],
  },
  args: {},
  passThrough: true,
  run: ({ rest }) => runNamed(routines, rest, "harbor routine"),
}) satisfies Command;
