/** The few lines of script inside definitions and cross files, run as the container would run them, on stand-ins for what is in the image. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { resultOf } from "../_process.ts";
import { type Mapping, readCatalogue, withDefaults } from "./_catalogue.ts";

const catalogue = readCatalogue();
const folder = mkdtempSync(join(tmpdir(), "harbor-scripts-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(handle: string, name: string): { services: Record<string, Mapping>; document: Mapping } {
  const found = catalogue.find((it) => it.handle === handle)?.files.find((file) => file.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

function serviceOf(handle: string): Mapping {
  return fileOf(handle, `compose.${handle}.yml`).services[handle] as Mapping;
}

/** The text of an inline config. */
function configOf(handle: string, name: string, config: string): string {
  const configs = fileOf(handle, name).document.configs as Record<string, { content: string }>;
  return withDefaults(configs[config]?.content ?? "");
}

async function run(words: unknown, options: { cwd?: string; env?: Record<string, string> } = {}): Promise<{ out: string; code: number }> {
  const child = Bun.spawn((words as string[]).map(withDefaults), {
    cwd: options.cwd ?? folder,
    env: { PATH: process.env.PATH ?? "", ...options.env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const { stdout, exit } = await resultOf(child);
  return { out: stdout, code: exit };
}

describe("webui's command", () => {
  const cwd = join(folder, "webui");

  beforeAll(() => {
    mkdirSync(cwd);
    writeFileSync(join(cwd, "start.sh"), 'echo "$OPENAI_API_BASE_URLS|$OPENAI_API_KEYS|$ENABLE_OPENAI_API"');
  });

  test("makes one list of all the APIs that cross files bring", async () => {
    const env = {
      HARBOR_OPENAI_URL_LITELLM: "http://litellm:4000/v1",
      HARBOR_OPENAI_KEY_LITELLM: "sk-1 2",
      HARBOR_OPENAI_URL_USER: "",
      HARBOR_OPENAI_URL_LLAMACPP: "http://llamacpp:8080/v1",
      HARBOR_OPENAI_URL_VLLM: "http://vllm:8000/v1",
    };
    const { out } = await run(serviceOf("webui").command, { cwd, env });
    expect(out.trim()).toBe("http://litellm:4000/v1;http://llamacpp:8080/v1;http://vllm:8000/v1|sk-1 2;none;none|true");
  });

  test("switches them off when there is none", async () => {
    const { out } = await run(serviceOf("webui").command, { cwd, env: { HARBOR_OPENAI_URL_USER: "", HARBOR_OPENAI_KEY_USER: "" } });
    expect(out.trim()).toBe("||");
  });
});

describe("litellm's parts", () => {
  test("are one configuration, in any number", () => {
    const settings = configOf("litellm", "compose.litellm.yml", "litellm-settings");
    const parts = ["ollama", "vllm", "mock-openai"].map((it) => configOf("litellm", `compose.x.litellm.${it}.yml`, `litellm-${it}`));
    expect(parse(settings)).toEqual({ litellm_settings: { drop_params: true, check_provider_endpoint: true }, model_list: null });
    const models = (parse([settings, ...parts].join("")) as { model_list: Mapping[] }).model_list;
    expect(models.map((model) => model.model_name)).toEqual(["ollama/*", "vllm/*", "mock-openai/*"]);
    expect(models[0]?.litellm_params).toEqual({ model: "openai/*", api_base: "http://ollama:11434/v1", api_key: "none" });
  });
});

describe("searxng's settings", () => {
  test("answer programs in JSON", () => {
    expect(parse(configOf("searxng", "compose.searxng.yml", "searxng-settings"))).toMatchObject({
      search: { formats: ["html", "json"] },
      server: { limiter: false },
    });
  });
});

describe("speaches' command", () => {
  test("has both models downloaded once the server answers", async () => {
    const cwd = join(folder, "speaches");
    mkdirSync(cwd);
    const log = join(cwd, "log");
    // The server ends when both were asked for, so that nothing is left behind.
    program(cwd, "curl", `for last; do :; done; echo "$last" >>${log}`);
    program(cwd, "uvicorn", `until [ "$(wc -l <${log})" = 3 ]; do sleep 0.01; done 2>/dev/null; cat ${log}`);
    const env = { PATH: `${cwd}:${process.env.PATH}`, STT_MODEL: "a/stt", TTS_MODEL: "b/tts" };
    const { out } = await run(serviceOf("speaches").command, { cwd, env });
    const api = "http://127.0.0.1:8000";
    expect(out.trim().split("\n")).toEqual([`${api}/health`, `${api}/v1/models/a/stt`, `${api}/v1/models/b/tts`]);
  });
});

function program(cwd: string, name: string, script: string): void {
  writeFileSync(join(cwd, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(cwd, name), 0o755);
}

describe("comfyui's healthcheck", () => {
  test.each([
    [200, 0],
    [503, 1],
  ])("on an answer of %i ends with %i", async (status, code) => {
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => new Response("", { status: request.url.endsWith("/system_stats") ? status : 404 }),
    });
    const [, ...words] = (serviceOf("comfyui").healthcheck as { test: string[] }).test;
    const result = await run(words.map((word) => word.replace("8188", String(server.port))));
    await server.stop(true);
    expect(result.code).toBe(code);
  });
});
