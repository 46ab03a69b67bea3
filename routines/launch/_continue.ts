/**
 * Continue CLI speaks OpenAI's Chat Completions to its provider `openai`.
 * - https://docs.continue.dev/cli/configuration: `--config <file>` for this session; `${{ secrets.NAME }}` is a variable of the environment
 * - https://docs.continue.dev/reference: models.{name,provider,model,apiBase,apiKey,roles,useResponsesApi,defaultCompletionOptions}
 * Its sessions stay where they are, in the user's own ~/.continue.
 */
import { join } from "node:path";
import { json, KEY_VARIABLE, type Tool } from "./tool.ts";

export const continueCli: Tool = {
  name: "cn",
  title: "Continue CLI",
  aliases: ["continue"],
  program: "cn",
  install: "npm install -g @continuedev/cli",
  speaks: ["openai-api"],
  docs: "https://docs.continue.dev/cli/configuration",
  setUp: ({ url, model, key, contextLength, folder }) => {
    const options = contextLength === undefined ? {} : { defaultCompletionOptions: { contextLength } };
    const known = {
      name: model,
      provider: "openai",
      model,
      apiBase: `${url}/v1`,
      apiKey: `\${{ secrets.${KEY_VARIABLE} }}`,
      roles: ["chat", "edit", "apply", "summarize"],
      useResponsesApi: false,
      ...options,
    };
    return {
      env: { [KEY_VARIABLE]: key },
      args: ["--config", join(folder, "config.yaml")],
      files: { "config.yaml": json({ name: "Harbor", version: "1.0.0", schema: "v1", models: [known] }) },
    };
  },
};
