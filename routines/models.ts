#!/usr/bin/env bun
/**
 * `harbor models`: the models on this machine, whichever service keeps them.
 *
 *   bun routines/models.ts ls
 */
import { type CommandTable, defineCommand } from "./_script/command.ts";
import { runNamed } from "./_script/dispatch.ts";
import { runScript } from "./_script/script.ts";

const commands: CommandTable = {
  ls: () => import("./models/list-models.ts"),
  pull: () => import("./models/pull-model.ts"),
  rm: () => import("./models/remove-model.ts"),
  path: () => import("./models/find-model-path.ts"),
  search: () => import("./models/search-models.ts"),
};

export const command = defineCommand({
  meta: {
    name: "models",
    description: "Models of all services: ls, pull, rm, path, search",
    examples: [
      "harbor models ls",
      "harbor models pull llama3.2:1b                          From Ollama's registry, into ollama",
      "harbor models pull ggml-org/gemma-3-1b-it-GGUF:Q4_K_M   From the Hugging Face hub, into llamacpp",
      "harbor models rm llama3.2:1b",
      "harbor models search gemma gguf",
    ],
  },
  args: {},
  commands,
  passThrough: true,
  run: ({ rest }) => runNamed(commands, rest, "harbor models"),
});

if (import.meta.main) await runScript(command);
