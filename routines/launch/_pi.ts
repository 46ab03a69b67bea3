/**
 * pi speaks OpenAI's Chat Completions to a provider of one's own.
 * - https://pi.dev/docs/latest/custom-provider: `pi.registerProvider(name, { baseUrl, api, apiKey, models })` in an extension
 * - `pi --help`: `--extension <path>` beside the user's own, `--model <provider>/<id>`
 * - https://pi.dev/docs/latest/models: compat, for servers that know neither the role `developer` nor `reasoning_effort`
 * Its sessions stay where they are, in the user's own ~/.pi.
 */
import { join } from "node:path";
import { ASSUMED_CONTEXT, json, KEY_VARIABLE, type Tool } from "./tool.ts";

export const pi: Tool = {
  name: "pi",
  title: "pi",
  program: "pi",
  install: "npm install -g @earendil-works/pi-coding-agent",
  speaks: ["openai-api"],
  docs: "https://pi.dev/docs/latest/custom-provider",
  setUp: ({ url, model, key, contextLength = ASSUMED_CONTEXT, folder }) => {
    const known = {
      id: model,
      name: model,
      reasoning: false,
      input: ["text"],
      cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      contextWindow: contextLength,
      maxTokens: Math.ceil(contextLength / 4),
      compat: { supportsDeveloperRole: false, supportsReasoningEffort: false },
    };
    const provider = { name: "Harbor", baseUrl: `${url}/v1`, api: "openai-completions", models: [known] };
    const extension = `const provider = ${json(provider).trimEnd()};

export default function (pi) {
  pi.registerProvider("harbor", { ...provider, apiKey: process.env.${KEY_VARIABLE} });
}
`;
    return {
      env: { [KEY_VARIABLE]: key },
      args: ["--extension", join(folder, "harbor.js"), "--model", `harbor/${model}`],
      files: { "harbor.js": extension },
    };
  },
};
