/**
 * Gemini CLI speaks the Gemini API alone.
 * - https://github.com/google-gemini/gemini-cli/blob/main/docs/reference/configuration.md: GOOGLE_GEMINI_BASE_URL (with the authentication
 *   `gemini-api-key`), GEMINI_API_KEY, GEMINI_MODEL, GEMINI_CLI_HOME (the folder in which it makes `.gemini`),
 *   `security.auth.selectedType` in settings.json, of which there is no variable
 * - https://docs.litellm.ai/docs/tutorials/litellm_gemini_cli: LiteLLM answers to it, for any model behind it
 * Hence a home of its own, with the sessions that are begun there.
 */
import { json, type Tool } from "./tool.ts";

export const gemini: Tool = {
  name: "gemini",
  title: "Gemini CLI",
  aliases: ["gemini-cli"],
  program: "gemini",
  install: "npm install -g @google/gemini-cli",
  speaks: ["gemini-api"],
  docs: "https://github.com/google-gemini/gemini-cli/blob/main/docs/reference/configuration.md",
  setUp: ({ url, model, key, folder }) => ({
    env: { GEMINI_CLI_HOME: folder, GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_KEY: key, GEMINI_MODEL: model },
    unset: ["GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA", "GOOGLE_CLOUD_PROJECT"],
    files: { ".gemini/settings.json": json({ security: { auth: { selectedType: "gemini-api-key" } } }) },
  }),
};
