#!/usr/bin/env bun
/**
 * `harbor qr`: a running service's URL for other machines of the local network as a QR code, for the camera of a phone.
 *
 *   bun routines/qr.ts webui
 */
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { HarborError } from "./_script/error.ts";
import { runScript } from "./_script/script.ts";
import { readValues } from "./config/read-values.ts";
import { chooseMain } from "./stack/choose-main.ts";
import { currentStack } from "./stack/current-stack.ts";
import { findStackWorkspace } from "./stack/find-stack-workspace.ts";
import { findUrls } from "./stack/find-urls.ts";
import { observeStack } from "./stack/observe-stack.ts";
import { showsColours } from "./stack/print-logs.ts";

async function findMain(): Promise<string> {
  const { env } = process;
  const { home, project, record } = currentStack(env);
  const { workspace } = findStackWorkspace({ home, record });
  const { services } = await observeStack({ home, env, project, needsEngine: record?.hasContainers ?? false });
  return chooseMain({ services, workspace, values: readValues({ workspace, env }) });
}

export const command = defineCommand({
  meta: {
    name: "qr",
    description: "Show a service's URL in the local network as a QR code",
    examples: ["harbor qr webui", "harbor qr", "harbor qr webui --invert"],
  },
  args: {
    handle: { type: "positional", description: "Service handle; ui.main, or the first frontend that is up, when left out" },
    invert: { type: "boolean", description: "Without colours: for dark letters on a light ground" },
    "no-color": { type: "boolean", description: "Without colours, on a terminal too" },
    ...jsonArg,
  },
  async run({ args }) {
    const { urls } = await findUrls({ env: process.env, handle: args.handle ?? (await findMain()), kind: "lan" });
    const [found] = urls;
    if (found === undefined) throw new HarborError("Cannot show a QR code: nothing has a URL in the local network");
    const { encodeQrCode, renderQrCode } = await import("./_script/qr-code.ts");
    const hasColours = !args["no-color"] && showsColours(process.env);
    emit(found, {
      json: args.json,
      render: ({ url }) => [...renderQrCode(encodeQrCode(url), { hasColours, isInverted: args.invert }), url].join("\n"),
    });
  },
});

if (import.meta.main) await runScript(command);
