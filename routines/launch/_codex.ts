/**
 * Codex speaks OpenAI's Responses API and no other since 2026.
 * - https://developers.openai.com/codex/config-advanced: model_providers.<id>.{name,base_url,wire_api,env_key}, model_provider, model
 * - `codex --help`: `-c key=value` overrides `~/.codex/config.toml`; the value is TOML
 * Its sessions stay where they are, in the user's own ~/.codex.
 */
import { KEY_VARIABLE, type Tool } from "./tool.ts";

export const codex: Tool = {
  name: "codex",
  title: "Codex",
  program: "codex",
  install: "npm install -g @openai/codex",
  speaks: ["openai-responses"],
  docs: "https://developers.openai.com/codex/config-advanced",
  setUp: ({ url, model, key }) => {
    const provider = `{name="Harbor",base_url=${toml(`${url}/v1`)},wire_api="responses",env_key=${toml(KEY_VARIABLE)}}`;
    const settings = [`model_providers.harbor=${provider}`, `model_provider="harbor"`, `model=${toml(model)}`];
    return { env: { [KEY_VARIABLE]: key }, args: settings.flatMap((setting) => ["-c", setting]) };
  },
};

/** A basic string of TOML escapes what one of JSON does, and DEL as well. */
function toml(text: string): string {
  return JSON.stringify(text).replaceAll("\x7f", "\\u007f");
}
