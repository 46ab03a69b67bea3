/**
 * OpenHands CLI speaks OpenAI's Chat Completions through LiteLLM, whose names of models begin with `openai/` for that.
 * - https://github.com/OpenHands/OpenHands-CLI/blob/main/README.md: LLM_API_KEY, LLM_MODEL and LLM_BASE_URL count with
 *   `--override-with-envs`, and are not kept
 * - https://docs.openhands.dev/openhands/usage/llms/local-llms: `openai/<model>`, the URL with /v1
 * Its sessions stay where they are, in the user's own ~/.openhands.
 */
import type { Tool } from "./tool.ts";

export const openhands: Tool = {
  name: "openhands",
  title: "OpenHands CLI",
  program: "openhands",
  install: "uv tool install openhands --python 3.12",
  speaks: ["openai-api"],
  docs: "https://github.com/OpenHands/OpenHands-CLI#configuration",
  setUp: ({ url, model, key }) => ({
    env: { LLM_BASE_URL: `${url}/v1`, LLM_MODEL: `openai/${model}`, LLM_API_KEY: key },
    args: ["--override-with-envs"],
  }),
};
