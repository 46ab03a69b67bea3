#!/usr/bin/env bun
/**
 * speaches as one process tree on this host: makes its Python environment, fetches the default models, chooses the
 * accelerator, starts the server and watches it. The executable of the contract; by hand as well:
 *
 *   bun services/speaches/manager.ts --print-config
 */
import { existsSync } from "node:fs";
import { defineCommand, jsonArg } from "harbor/_script/command";
import { emit } from "harbor/_script/emit";
import { runScript } from "harbor/_script/script";
import { isSecretName } from "harbor/_script/secret-name";
import { table } from "harbor/_script/table";
import { type RankedSetting, settingArgs } from "harbor/config/rank-settings";
import { ManagerError } from "./failures.ts";
import { noProxyFor } from "./no-proxy.ts";
import { type Prepared, prepareService } from "./prepare-service.ts";
import { runService } from "./run-service.ts";
import { configFile, readSettings, SETTINGS } from "./settings.ts";
import { Teller } from "./teller.ts";

export const command = defineCommand({
  meta: {
    name: "speaches",
    description: "Run speaches natively: speech to text and text to speech behind an OpenAI-compatible API",
    examples: [
      "harbor run speaches                     # install what is missing, then serve",
      "harbor run speaches --print-config      # every value, and where it came from",
      "harbor run speaches --prepare           # install and fetch, and do not serve",
      "harbor run speaches --provider cpu --port 8000",
    ],
  },
  args: {
    ...settingArgs(SETTINGS),
    config: {
      type: "string",
      description: "File of settings (default: $HARBOR_HOME/speaches/config.yml, where there is one)",
      valueHint: "file",
    },
    "print-config": { type: "boolean", description: "Show every setting, its value and where that came from" },
    prepare: { type: "boolean", description: "Install the program and fetch the models, then end" },
    ...jsonArg,
  },
  async run({ args }) {
    const { values, settings } = readSettings({ args, env: process.env, ...findFile(args.config as string | undefined) });
    if (args["print-config"] === true) {
      emit(settings, { json: args.json === true, render: renderSettings });
      return;
    }
    Object.assign(process.env, noProxyFor(values.host, process.env));
    const teller = new Teller(process.env);
    const stop = stopSignal();
    const context = { settings: values, env: ownEnvironment(), teller, signal: stop.signal };
    try {
      if (args.prepare === true) emit(await prepareService(context), { json: args.json === true, render: renderPrepared });
      else await runService(context);
    } catch (error) {
      // what was broken off because it was told to stop has not failed
      if (!stop.signal.aborted) throw ManagerError.from(error);
    } finally {
      stop.forget();
    }
  },
});

/** One that is named has to be there. */
function findFile(named: string | undefined): { file: string } | undefined {
  if (named !== undefined) return { file: named };
  const file = configFile(process.env);
  return existsSync(file) ? { file } : undefined;
}

function renderSettings(settings: RankedSetting[]): string {
  const rows = settings.map(({ name, value, place, over }) => [
    name,
    typeof value === "object" ? value.join(",") : String(value),
    (place || "default") + (over === undefined ? "" : `, before ${over}`),
  ]);
  return table([["SETTING", "VALUE", "FROM"], ...rows]).join("\n");
}

function renderPrepared({ environment, data }: Prepared): string {
  return `All is there: the program in ${environment}, the models in ${data}`;
}

/**
 * Another program's Python, or an environment that the shell is in, is none of ours; and the tokens that we were told are no
 * business of what packages run while they are built or tried. Those of an index have names of the installers' own.
 */
function ownEnvironment(): Record<string, string> {
  const foreign = new Set(["PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX", "NODE_PATH", "NOTIFY_SOCKET", "HF_TOKEN"]);
  const isForeign = (name: string): boolean => foreign.has(name) || (name.startsWith("HARBOR_") && isSecretName(name));
  const entries = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && !isForeign(entry[0]));
  return Object.fromEntries(entries);
}

/** SIGTERM and Ctrl-C end it in good order; a second one is the shell's own way. */
function stopSignal(): { signal: AbortSignal; forget: () => void } {
  const controller = new AbortController();
  const stop = (): void => {
    forget();
    controller.abort();
  };
  const forget = (): void => {
    for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.off(name, stop);
  };
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(name, stop);
  return { signal: controller.signal, forget };
}

if (import.meta.main) await runScript(command);
