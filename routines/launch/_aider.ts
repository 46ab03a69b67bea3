/**
 * aider speaks OpenAI's Chat Completions through LiteLLM, whose names of models begin with `openai/` for that.
 * - https://aider.chat/docs/llms/openai-compat.html: OPENAI_API_BASE, OPENAI_API_KEY, `--model openai/<name>`
 * - https://aider.chat/docs/config/options.html: `--openai-api-base`; options go before the environment and before `.env` files.
 *   AIDER_SHOW_MODEL_WARNINGS: it would ask about each model that it does not know
 * Its history is in the project.
 */
import type { Tool } from "./tool.ts";

export const aider: Tool = {
  name: "aider",
  title: "aider",
  program: "aider",
  install: "python -m pip install aider-install && aider-install",
  speaks: ["openai-api"],
  docs: "https://aider.chat/docs/llms/openai-compat.html",
  setUp: ({ url, model, key }) => ({
    env: { OPENAI_API_BASE: `${url}/v1`, OPENAI_API_KEY: key, AIDER_SHOW_MODEL_WARNINGS: "false" },
    args: ["--openai-api-base", `${url}/v1`, "--model", `openai/${model}`],
  }),
};
