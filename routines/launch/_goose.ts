/**
 * goose speaks OpenAI's Chat Completions as its provider `openai`.
 * - https://goose-docs.ai/docs/getting-started/providers: OPENAI_HOST (without a path), OPENAI_BASE_PATH, OPENAI_API_KEY
 * - https://goose-docs.ai/docs/guides/environment-variables: GOOSE_PROVIDER and GOOSE_MODEL go before config.yaml; GOOSE_CONTEXT_LIMIT
 * Its sessions stay where they are.
 */
import type { Tool } from "./tool.ts";

export const goose: Tool = {
  name: "goose",
  title: "goose",
  program: "goose",
  install: "brew install block-goose-cli",
  speaks: ["openai-api"],
  docs: "https://goose-docs.ai/docs/guides/environment-variables",
  setUp: ({ url, model, key, contextLength }) => ({
    env: {
      GOOSE_PROVIDER: "openai",
      GOOSE_MODEL: model,
      OPENAI_HOST: url,
      OPENAI_BASE_PATH: "v1/chat/completions",
      OPENAI_API_KEY: key,
      ...(contextLength === undefined ? {} : { GOOSE_CONTEXT_LIMIT: String(contextLength) }),
    },
    unset: [
      ...["OPENAI_CUSTOM_HEADERS", "OPENAI_ORGANIZATION", "OPENAI_PROJECT"],
      ...["GOOSE_LEAD_MODEL", "GOOSE_LEAD_PROVIDER", "GOOSE_PLANNER_MODEL", "GOOSE_PLANNER_PROVIDER"],
    ],
  }),
};
