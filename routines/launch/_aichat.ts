/**
 * AIChat speaks OpenAI's Chat Completions to a client of type `openai-compatible`.
 * - https://github.com/sigoden/aichat/blob/main/config.example.yaml: model, clients.{type,name,api_base,models}; `<NAME>_API_KEY`
 * - https://github.com/sigoden/aichat/wiki/Environment-Variables: AICHAT_CONFIG_FILE; AICHAT_PLATFORM would go without it
 * Its sessions, roles and the like stay where they are.
 */
import { join } from "node:path";
import { ASSUMED_CONTEXT, json, type Tool } from "./tool.ts";

export const aichat: Tool = {
  name: "aichat",
  title: "AIChat",
  program: "aichat",
  install: "cargo install aichat",
  speaks: ["openai-api"],
  docs: "https://github.com/sigoden/aichat/wiki/Environment-Variables",
  setUp: ({ url, model, key, contextLength = ASSUMED_CONTEXT, folder }) => {
    const models = [{ name: model, max_input_tokens: contextLength, supports_function_calling: true }];
    const client = { type: "openai-compatible", name: "harbor", api_base: `${url}/v1`, models };
    return {
      env: { AICHAT_CONFIG_FILE: join(folder, "config.yaml"), HARBOR_API_KEY: key },
      unset: ["AICHAT_PLATFORM", "AICHAT_MODEL", "HARBOR_API_BASE"],
      files: { "config.yaml": json({ model: `harbor:${model}`, clients: [client] }) },
    };
  },
};
