/**
 * GitHub Copilot CLI speaks OpenAI's Chat Completions to a server of one's own, and needs no GitHub account then.
 * - https://docs.github.com/en/copilot/how-tos/copilot-cli/customize-copilot/use-byok-models and `copilot help providers`:
 *   COPILOT_PROVIDER_BASE_URL, _TYPE (openai), _API_KEY, _WIRE_API (completions), _MAX_PROMPT_TOKENS, COPILOT_MODEL
 * Its sessions stay where they are, in the user's own ~/.copilot.
 */
import type { Tool } from "./tool.ts";

export const copilot: Tool = {
  name: "copilot",
  title: "GitHub Copilot CLI",
  program: "copilot",
  install: "npm install -g @github/copilot",
  speaks: ["openai-api"],
  docs: "https://docs.github.com/en/copilot/how-tos/copilot-cli/customize-copilot/use-byok-models",
  setUp: ({ url, model, key, contextLength }) => ({
    env: {
      COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
      COPILOT_PROVIDER_TYPE: "openai",
      COPILOT_PROVIDER_WIRE_API: "completions",
      COPILOT_PROVIDER_API_KEY: key,
      COPILOT_MODEL: model,
      ...(contextLength === undefined ? {} : { COPILOT_PROVIDER_MAX_PROMPT_TOKENS: String(contextLength) }),
    },
    unset: [
      ...["COPILOT_PROVIDER_BEARER_TOKEN", "COPILOT_PROVIDER_API_KEY_COMMAND", "COPILOT_PROVIDER_HEADERS", "COPILOT_PROVIDER_TRANSPORT"],
      ...["COPILOT_PROVIDER_MODEL_ID", "COPILOT_PROVIDER_WIRE_MODEL"],
    ],
  }),
};
