/** `harbor config path`: where the configuration stands. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { defineCommand, jsonArg } from "./_script/command.ts";
import { emit } from "./_script/emit.ts";
import { findHome } from "./config/find-home.ts";
import { configFile } from "./config/write-values.ts";

export const command = defineCommand({
  meta: {
    name: "path",
    description: "Print the path of your configuration, which need not be there yet",
    examples: ["harbor config path", 'ls -l "$(harbor config path)"', "harbor config path --json"],
  },
  args: { ...jsonArg },
  run({ args }) {
    const home = findHome(process.env);
    const file = configFile(home);
    const places = { file, exists: existsSync(file), home, variables: join(home, "env"), services: join(home, "services") };
    emit(places, { json: args.json, render: () => file });
  },
});
