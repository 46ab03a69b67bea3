/**
 * gptme speaks OpenAI's Chat Completions as its provider `local`.
 * - https://gptme.org/docs/providers-custom.html: OPENAI_BASE_URL, `--model local/<name>`; the name as the server has it
 * Its conversations stay where they are.
 */
import type { Tool } from "./tool.ts";

export const gptme: Tool = {
  name: "gptme",
  title: "gptme",
  program: "gptme",
  install: "pipx install gptme",
  speaks: ["openai-api"],
  docs: "https://gptme.org/docs/providers-custom.html",
  setUp: ({ url, model, key }) => ({
    env: { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: key, MODEL: `local/${model}` },
    unset: ["LLM_PROXY_URL", "LLM_PROXY_API_KEY"],
    args: ["--model", `local/${model}`],
  }),
};
