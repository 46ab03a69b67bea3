/**
 * Claude Code speaks Anthropic's Messages API.
 * - https://code.claude.com/docs/en/env-vars: ANTHROPIC_BASE_URL (without /v1), ANTHROPIC_AUTH_TOKEN (sent as Bearer), ANTHROPIC_MODEL,
 *   ANTHROPIC_DEFAULT_{OPUS,SONNET,HAIKU}_MODEL (what it does beside the conversation goes to the last)
 * - https://docs.ollama.com/api/anthropic-compatibility: ANTHROPIC_API_KEY is to be empty, or it is asked about
 * - `claude --help`: `--settings <file>` goes before the user's settings. What `env` of settings says wins over the process's
 *   environment (seen with 2.1), so that it has to stand there, the token too.
 * - CLAUDE_CODE_ATTRIBUTION_HEADER=0, in settings: a line that differs from request to request would make a local server read the whole
 *   prompt again each time (https://unsloth.ai/docs/basics/claude-code). CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: it would ask the
 *   server for what only Anthropic has.
 * Its sessions stay where they are, in the user's own ~/.claude.
 */
import { join } from "node:path";
import { json, type Tool } from "./tool.ts";

export const claude: Tool = {
  name: "claude",
  title: "Claude Code",
  aliases: ["claude-code"],
  program: "claude",
  install: "npm install -g @anthropic-ai/claude-code",
  speaks: ["anthropic-api"],
  docs: "https://code.claude.com/docs/en/env-vars",
  setUp: ({ url, model, key, folder }) => ({
    unset: ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"],
    args: ["--settings", join(folder, "settings.json")],
    files: {
      "settings.json": json({
        env: {
          ANTHROPIC_BASE_URL: url,
          ANTHROPIC_AUTH_TOKEN: key,
          ANTHROPIC_API_KEY: "",
          ANTHROPIC_MODEL: model,
          ANTHROPIC_DEFAULT_OPUS_MODEL: model,
          ANTHROPIC_DEFAULT_SONNET_MODEL: model,
          ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
          CLAUDE_CODE_SUBAGENT_MODEL: model,
          CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        },
      }),
    },
  }),
};
