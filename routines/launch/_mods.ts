/**
 * Mods speaks OpenAI's Chat Completions to an entry of `apis`.
 * - https://github.com/charmbracelet/mods/blob/main/config.go: the file is mods/mods.yml of XDG_CONFIG_HOME; default-api, default-model,
 *   apis.<name>.{base-url,api-key-env,models}; MODS_API and MODS_MODEL go before it
 * Its conversations stay where they are, with its data.
 */
import { json, KEY_VARIABLE, type Tool } from "./tool.ts";

export const mods: Tool = {
  name: "mods",
  title: "Mods",
  program: "mods",
  install: "go install github.com/charmbracelet/mods@latest",
  speaks: ["openai-api"],
  docs: "https://github.com/charmbracelet/mods#settings",
  setUp: ({ url, model, key, folder }) => {
    const harbor = { "base-url": `${url}/v1`, "api-key-env": KEY_VARIABLE, models: { [model]: {} } };
    return {
      env: { XDG_CONFIG_HOME: folder, MODS_API: "harbor", MODS_MODEL: model, [KEY_VARIABLE]: key },
      files: { "mods/mods.yml": json({ "default-api": "harbor", "default-model": model, apis: { harbor } }) },
    };
  },
};
