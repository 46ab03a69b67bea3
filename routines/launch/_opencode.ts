/**
 * OpenCode speaks OpenAI's Chat Completions through `@ai-sdk/openai-compatible`, which it brings.
 * - https://opencode.ai/docs/providers: provider.<id>.{npm,name,options.baseURL,options.apiKey,models}; `{env:NAME}` for a key
 * - https://opencode.ai/docs/config: OPENCODE_CONFIG_CONTENT, a whole configuration, goes on top of the user's and the project's
 * Its sessions stay where they are.
 */
import { KEY_VARIABLE, type Tool } from "./tool.ts";

export const opencode: Tool = {
  name: "opencode",
  title: "OpenCode",
  program: "opencode",
  install: "npm install -g opencode-ai",
  speaks: ["openai-api"],
  docs: "https://opencode.ai/docs/providers",
  setUp: ({ url, model, key, contextLength }) => {
    const limit = contextLength === undefined ? {} : { limit: { context: contextLength, output: Math.ceil(contextLength / 4) } };
    const provider = {
      npm: "@ai-sdk/openai-compatible",
      name: "Harbor",
      options: { baseURL: `${url}/v1`, apiKey: `{env:${KEY_VARIABLE}}` },
      models: { [model]: { name: model, ...limit } },
    };
    const config = { provider: { harbor: provider }, model: `harbor/${model}`, small_model: `harbor/${model}` };
    return { env: { [KEY_VARIABLE]: key, OPENCODE_CONFIG_CONTENT: JSON.stringify(config) } };
  },
};
