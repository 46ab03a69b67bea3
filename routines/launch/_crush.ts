/**
 * Crush speaks OpenAI's Chat Completions to a provider of type `openai-compat`.
 * - https://github.com/charmbracelet/crush/blob/main/README.md: providers.<id>.{type,base_url,api_key,models} of crush.json, `$NAME` in a key;
 *   CRUSH_GLOBAL_CONFIG and CRUSH_GLOBAL_DATA are folders. The data's crush.json has the models that are in use
 *   (`models.{large,small}`), and goes before the configuration: with the user's the model would be another.
 * Its sessions are in the project (`.crush`).
 */
import { join } from "node:path";
import { ASSUMED_CONTEXT, json, KEY_VARIABLE, type Tool } from "./tool.ts";

export const crush: Tool = {
  name: "crush",
  title: "Crush",
  program: "crush",
  install: "npm install -g @charmland/crush",
  speaks: ["openai-api"],
  docs: "https://github.com/charmbracelet/crush#custom-providers",
  setUp: ({ url, model, key, contextLength = ASSUMED_CONTEXT, folder }) => {
    const known = { id: model, name: model, context_window: contextLength, default_max_tokens: Math.ceil(contextLength / 4) };
    const harbor = { name: "Harbor", type: "openai-compat", base_url: `${url}/v1`, api_key: `$${KEY_VARIABLE}`, models: [known] };
    const models = { large: { provider: "harbor", model }, small: { provider: "harbor", model } };
    return {
      env: { [KEY_VARIABLE]: key, CRUSH_GLOBAL_CONFIG: join(folder, "config"), CRUSH_GLOBAL_DATA: join(folder, "data") },
      files: {
        "config/crush.json": json({ $schema: "https://charm.land/crush.json", providers: { harbor }, models }),
        "data/crush.json": json({ models }),
      },
    };
  },
};
