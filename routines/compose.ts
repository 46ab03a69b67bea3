#!/usr/bin/env bun
/**
 * `harbor compose`: what `docker compose` calls for a service with `provider: { type: harbor }`, by way of bin/docker-harbor
 * or of `harbor` itself where that is on PATH. It is told what happens by JSON on stdout.
 *
 *   bun routines/compose.ts --project-name=demo up --service=ollama llm
 */
import { defineCommand } from "./_script/command.ts";
import { emitText } from "./_script/emit.ts";
import { listenForInterrupt } from "./_script/interrupt.ts";
import { errorAsText, runScript } from "./_script/script.ts";
import { findHome } from "./config/find-home.ts";
import { METADATA, type ProviderCall, readCall, readOptions } from "./provider/call.ts";
import { tellCompose } from "./provider/channel.ts";

export const command = defineCommand({
  meta: {
    name: "compose",
    description: "Answer `docker compose`, for services with `provider: { type: harbor }`",
    examples: ["harbor compose metadata", "harbor compose --project-name=demo up --service=ollama llm"],
  },
  args: {},
  passThrough: true,
  async run({ rest }) {
    try {
      await answer(readCall(rest));
    } catch (error) {
      // what is said on stderr compose does not show
      tellCompose("error", errorAsText(error));
      throw error;
    }
  },
});

async function answer(call: ProviderCall): Promise<void> {
  const { action, project, service } = call;
  if (action === "metadata") return emitText(JSON.stringify(METADATA));
  const { env } = process;
  const where = { home: findHome(env), env, name: { project, service }, tell: tellCompose };
  if (action !== "up") {
    const { endLease } = await import("./provider/end-lease.ts");
    return endLease({ ...where, action });
  }
  const options = readOptions(call);
  using interrupt = listenForInterrupt();
  const { startLease } = await import("./provider/start-lease.ts");
  const reach = await startLease({ ...where, options, signal: interrupt.signal });
  if (reach === undefined) return;
  tellCompose("setenv", `URL=${reach.url}`);
  tellCompose("setenv", `HOST=${reach.host}`);
  tellCompose("setenv", `PORT=${reach.port}`);
}

if (import.meta.main) await runScript(command);
