/**
 * Droid speaks OpenAI's Chat Completions to a custom model.
 * - https://docs.factory.ai/model-independence/byok: customModels of settings.json, `provider: generic-chat-completion-api`, `${NAME}` in a key
 * - `droid --help`: `--settings <path>`, merged for this process alone. A custom model is named `custom:<model>` in sessionDefaultSettings
 *   (seen with 0.225).
 * Its sessions stay where they are, in the user's own ~/.factory.
 */
import { join } from "node:path";
import { ASSUMED_CONTEXT, json, KEY_VARIABLE, type Tool } from "./tool.ts";

export const droid: Tool = {
  name: "droid",
  title: "Droid",
  aliases: ["factory"],
  program: "droid",
  install: "npm install -g @factory/cli",
  speaks: ["openai-api"],
  docs: "https://docs.factory.ai/model-independence/byok",
  setUp: ({ url, model, key, contextLength = ASSUMED_CONTEXT, folder }) => {
    const custom = {
      model,
      displayName: `${model} (Harbor)`,
      baseUrl: `${url}/v1`,
      apiKey: `\${${KEY_VARIABLE}}`,
      provider: "generic-chat-completion-api",
      maxOutputTokens: Math.ceil(contextLength / 4),
    };
    return {
      env: { [KEY_VARIABLE]: key },
      args: ["--settings", join(folder, "settings.json")],
      files: { "settings.json": json({ customModels: [custom], sessionDefaultSettings: { model: `custom:${model}` } }) },
    };
  },
};
