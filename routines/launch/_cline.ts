/**
 * Cline CLI speaks OpenAI's Chat Completions to its provider `openai-compatible`.
 * - https://docs.cline.bot/provider-config/openai-compatible: base URL, key and model
 * - CLINE_DIR, or `cline --config <folder>`, instead of ~/.cline. `cline auth` keeps a provider in `data/settings/providers.json` there,
 *   the key in it (seen with 3.0).
 * Hence a folder of its own, with the sessions that are begun there.
 */
import { json, type Tool } from "./tool.ts";

export const cline: Tool = {
  name: "cline",
  title: "Cline CLI",
  program: "cline",
  install: "npm install -g cline",
  speaks: ["openai-api"],
  docs: "https://docs.cline.bot/provider-config/openai-compatible",
  setUp: ({ url, model, key, folder }) => {
    const settings = { provider: "openai-compatible", apiKey: key, model, baseUrl: `${url}/v1` };
    const entry = { settings, updatedAt: new Date(0).toISOString(), tokenSource: "manual" };
    const providers = { version: 1, lastUsedProvider: "openai-compatible", modes: {}, providers: { "openai-compatible": entry } };
    return { env: { CLINE_DIR: folder }, files: { "data/settings/providers.json": json(providers) } };
  },
};
