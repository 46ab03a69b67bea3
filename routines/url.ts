#!/usr/bin/env bun
/**
 * `harbor url`: where a running service is reached.
 *
 *   bun routines/url.ts webui
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import type { PlannedService } from "./compose/make-plan.ts";
import { currentStack } from "./stack/current-stack.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { observeStack } from "./stack/observe-stack.ts";
import type { StackRecord } from "./stack/read-stack.ts";
import { NOTHING_IS_UP, note } from "./stack/say.ts";
import { checkHandle, listHandles, throwUnknown } from "./workspace/list-handles.ts";

export interface ServiceUrl {
  handle: string;
  url: string;
}

export const command = defineCommand({
  meta: {
    name: "url",
    description: "Print the URL of a running service",
    examples: ["harbor url webui", "harbor url --internal ollama", "harbor url --json"],
  },
  args: {
    handle: { type: "positional", description: "Service handle; every running service when left out", completes: "running" },
    internal: { type: "boolean", alias: "i", description: "The URL that other services of the stack use" },
    ...jsonArg,
  },
  async run({ args }) {
    const { home, project, record } = currentStack(process.env);
    if (args.handle !== undefined) checkHandle(args.handle);
    const { services, engineError } = await observeStack({ home, env: process.env, project, needsEngine: record?.hasContainers ?? false });
    const running = services.filter((it) => it.state === "running" && (args.handle === undefined || it.handle === args.handle));
    const urls = running.flatMap((it): ServiceUrl[] => {
      const found = args.internal ? internalUrls(record?.planned.find((planned) => planned.handle === it.handle)) : it.urls;
      return found.map((url) => ({ handle: it.handle, url }));
    });
    if (args.handle !== undefined && urls.length === 0) throw whyNone(args.handle, running.length > 0, home, engineError, record);
    if (urls.length === 0 && !args.json) note(services.length === 0 ? NOTHING_IS_UP : "nothing that runs has a URL");
    emit(urls, {
      json: args.json,
      render: (them) => them.map((it) => (args.handle === undefined ? `${it.handle}\t${it.url}` : it.url)).join("\n"),
    });
  },
});

/** Its name and its port within the stack; the scheme is that of the URL it has outside. */
function internalUrls(planned: PlannedService | undefined): string[] {
  const target = planned?.ports[0]?.target;
  if (planned === undefined || target === undefined) return [];
  const scheme = planned.urls[0]?.split("://")[0] ?? "http";
  return [`${scheme}://${planned.handle}:${target}`];
}

function whyNone(
  handle: string,
  isRunning: boolean,
  home: string,
  engineError: HarborError | undefined,
  record: StackRecord | undefined,
): HarborError {
  if (isRunning) return new HarborError(`Cannot print a URL of "${handle}": it publishes no port`);
  const handles = listHandles(findStackWorkspace({ home, record }).workspace);
  if (!handles.includes(handle)) throwUnknown(handle, handles);
  const details = engineError === undefined || engineError.exit === "missing" ? [] : [engineError.message];
  return new HarborError(`Cannot print a URL of "${handle}": it is not running`, { details, hint: `Start it: harbor up ${handle}` });
}

if (import.meta.main) await runScript(command);
