/**
 * Qwen Code speaks OpenAI's Chat Completions.
 * - https://qwenlm.github.io/qwen-code-docs/en/users/configuration/auth: OPENAI_API_KEY, OPENAI_BASE_URL, OPENAI_MODEL
 * - `qwen --help`: `--auth-type openai`, before what the user's settings chose
 * Behind a proxy it asks that for everything, whatever NO_PROXY says (seen with 0.24): it has to do without.
 * Its sessions stay where they are, in the user's own ~/.qwen.
 */
import type { Tool } from "./tool.ts";

export const qwen: Tool = {
  name: "qwen",
  title: "Qwen Code",
  aliases: ["qwen-code"],
  program: "qwen",
  install: "npm install -g @qwen-code/qwen-code",
  speaks: ["openai-api"],
  docs: "https://qwenlm.github.io/qwen-code-docs/en/users/configuration/auth",
  setUp: ({ url, model, key }) => ({
    env: { OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: key, OPENAI_MODEL: model },
    unset: ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
    args: ["--auth-type", "openai", "--model", model],
  }),
};
