/**
 * LLM speaks OpenAI's Chat Completions to models of extra-openai-models.yaml.
 * - https://llm.datasette.io/en/stable/other-models.html: model_id, model_name, api_base, api_key_name (a key of keys.json), supports_tools
 * - https://llm.datasette.io/en/stable/setup.html: LLM_USER_PATH is the folder of all its files; default_model.txt is what
 *   `llm models default` writes
 * Hence a folder of its own, with the log of what is asked there. Plugins are part of its installation, and stay.
 */
import { json, type Tool } from "./tool.ts";

export const llm: Tool = {
  name: "llm",
  title: "LLM",
  program: "llm",
  install: "pipx install llm",
  speaks: ["openai-api"],
  docs: "https://llm.datasette.io/en/stable/other-models.html#openai-compatible-models",
  setUp: ({ url, model, key, folder }) => {
    const id = `harbor/${model}`;
    return {
      env: { LLM_USER_PATH: folder },
      unset: ["LLM_MODEL"],
      files: {
        "extra-openai-models.yaml": json([
          { model_id: id, model_name: model, api_base: `${url}/v1`, api_key_name: "harbor", supports_tools: true },
        ]),
        "keys.json": json({ harbor: key }),
        "default_model.txt": id,
      },
    };
  },
};
