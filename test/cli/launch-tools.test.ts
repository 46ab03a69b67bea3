/**
 * What each coding tool is given, by stand-ins that print it: as its documentation says (named in routines/launch/_<tool>.ts). The
 * backend is real, our own mock-openai; for the tool that speaks the Gemini API alone, a service that says it does.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { TOOLS } from "../../routines/launch/tools.ts";
import { freePort } from "../_ports.ts";
import { Sandbox } from "./_sandbox.ts";
import { type Given, makeStandIns } from "./_stand-ins.ts";

let box: Sandbox;
let env: Record<string, string>;
let folder: string;
const gemPort = freePort();

const KEY = 'sk-"local\\ $key';
const SERVER = `Bun.serve({ hostname: "127.0.0.1", port: ${gemPort}, fetch: () => Response.json({ data: [{ id: "gem", max_model_len: 50000 }] }) });\n`;

beforeAll(async () => {
  box = await Sandbox.create();
  box.services({
    "gem/compose.gem.yml":
      "x-harbor:\n  name: Gem\n  tags: [backend]\n  provides: [gemini-api]\nservices:\n  gem:\n    image: busybox:local\n",
    "gem/gem_native.yml": `x-harbor-native:\n  executable: bun\n  daemon_args: [main.ts]\n  port: "${gemPort}"\n  ready: { http: /, start_interval: 20ms }\n`,
    "gem/main.ts": SERVER,
  });
  const bin = makeStandIns(
    box.root,
    TOOLS.map(({ program }) => program),
  );
  const foreign = { OPENAI_API_KEY: "sk-of-the-user", ANTHROPIC_API_KEY: "sk-of-the-user", GEMINI_API_KEY: "sk-of-the-user" };
  env = { ...foreign, PATH: `${bin}:${box.env.PATH}`, HARBOR_MOCK_OPENAI_API_KEY: KEY };
  folder = join(box.home, "state/launch");
  expect(await box.run(["up", "-x", "mock-openai", "-x", "gem"], { env })).toMatchObject({ exit: 0 });
});
afterAll(() => box.remove());

/** Of the environment only what `names` are; JSON is read. */
function picked(given: Given, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, read(given.env[name])]));
}

function read(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return text;
  }
}

interface Expected {
  args?: string[];
  env?: Record<string, unknown>;
  files?: Record<string, unknown>;
}

const url = (): string => `http://127.0.0.1:${box.port}`;
const model = "mock-chat";
const models = (more: object) => [expect.objectContaining(more)];

/** Written out, tool by tool. */
const EXPECTED: Record<string, () => Expected> = {
  aichat: () => ({
    env: { AICHAT_CONFIG_FILE: join(folder, "aichat/config.yaml"), HARBOR_API_KEY: KEY },
    files: {
      "config.yaml": {
        model: `harbor:${model}`,
        clients: [{ type: "openai-compatible", name: "harbor", api_base: `${url()}/v1`, models: models({ name: model }) }],
      },
    },
  }),
  aider: () => ({
    args: ["--openai-api-base", `${url()}/v1`, "--model", `openai/${model}`],
    env: { OPENAI_API_BASE: `${url()}/v1`, OPENAI_API_KEY: KEY, AIDER_SHOW_MODEL_WARNINGS: false },
  }),
  claude: () => ({
    args: ["--settings", join(folder, "claude/settings.json")],
    env: { ANTHROPIC_API_KEY: undefined },
    files: {
      "settings.json": {
        env: expect.objectContaining({
          ANTHROPIC_BASE_URL: url(),
          ANTHROPIC_AUTH_TOKEN: KEY,
          ANTHROPIC_API_KEY: "",
          ANTHROPIC_MODEL: model,
          ANTHROPIC_DEFAULT_OPUS_MODEL: model,
          ANTHROPIC_DEFAULT_SONNET_MODEL: model,
          ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
          CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
        }),
      },
    },
  }),
  cline: () => ({
    env: { CLINE_DIR: join(folder, "cline") },
    files: {
      "data/settings/providers.json": {
        version: 1,
        lastUsedProvider: "openai-compatible",
        modes: {},
        providers: {
          "openai-compatible": expect.objectContaining({
            settings: { provider: "openai-compatible", apiKey: KEY, model, baseUrl: `${url()}/v1` },
          }),
        },
      },
    },
  }),
  cn: () => ({
    args: ["--config", join(folder, "cn/config.yaml")],
    env: { HARBOR_LAUNCH_API_KEY: KEY },
    files: {
      "config.yaml": {
        name: "Harbor",
        version: "1.0.0",
        schema: "v1",
        models: models({ provider: "openai", model, apiBase: `${url()}/v1`, apiKey: "${{ secrets.HARBOR_LAUNCH_API_KEY }}" }),
      },
    },
  }),
  codex: () => ({
    args: [
      ...["-c", `model_providers.harbor={name="Harbor",base_url="${url()}/v1",wire_api="responses",env_key="HARBOR_LAUNCH_API_KEY"}`],
      ...["-c", 'model_provider="harbor"', "-c", `model="${model}"`],
    ],
    env: { HARBOR_LAUNCH_API_KEY: KEY },
  }),
  copilot: () => ({
    env: {
      COPILOT_PROVIDER_BASE_URL: `${url()}/v1`,
      COPILOT_PROVIDER_TYPE: "openai",
      COPILOT_PROVIDER_WIRE_API: "completions",
      COPILOT_PROVIDER_API_KEY: KEY,
      COPILOT_MODEL: model,
    },
  }),
  crush: () => ({
    env: {
      CRUSH_GLOBAL_CONFIG: join(folder, "crush/config"),
      CRUSH_GLOBAL_DATA: join(folder, "crush/data"),
      HARBOR_LAUNCH_API_KEY: KEY,
    },
    files: {
      "config/crush.json": expect.objectContaining({
        providers: {
          harbor: expect.objectContaining({
            type: "openai-compat",
            base_url: `${url()}/v1`,
            api_key: "$HARBOR_LAUNCH_API_KEY",
            models: models({ id: model, context_window: expect.any(Number) }),
          }),
        },
      }),
      "data/crush.json": { models: { large: { provider: "harbor", model }, small: { provider: "harbor", model } } },
    },
  }),
  droid: () => ({
    args: ["--settings", join(folder, "droid/settings.json")],
    env: { HARBOR_LAUNCH_API_KEY: KEY },
    files: {
      "settings.json": {
        customModels: models({
          model,
          baseUrl: `${url()}/v1`,
          apiKey: "${HARBOR_LAUNCH_API_KEY}",
          provider: "generic-chat-completion-api",
        }),
        sessionDefaultSettings: { model: `custom:${model}` },
      },
    },
  }),
  gemini: () => ({
    env: {
      GEMINI_CLI_HOME: join(folder, "gemini"),
      GOOGLE_GEMINI_BASE_URL: `http://127.0.0.1:${gemPort}`,
      GEMINI_API_KEY: "harbor",
      GEMINI_MODEL: "gem",
    },
    files: { ".gemini/settings.json": { security: { auth: { selectedType: "gemini-api-key" } } } },
  }),
  goose: () => ({
    env: {
      GOOSE_PROVIDER: "openai",
      GOOSE_MODEL: model,
      OPENAI_HOST: url(),
      OPENAI_BASE_PATH: "v1/chat/completions",
      OPENAI_API_KEY: KEY,
    },
  }),
  gptme: () => ({
    args: ["--model", `local/${model}`],
    env: { OPENAI_BASE_URL: `${url()}/v1`, OPENAI_API_KEY: KEY },
  }),
  llm: () => ({
    env: { LLM_USER_PATH: join(folder, "llm") },
    files: {
      "default_model.txt": `harbor/${model}`,
      "extra-openai-models.yaml": models({
        model_id: `harbor/${model}`,
        model_name: model,
        api_base: `${url()}/v1`,
        api_key_name: "harbor",
      }),
      "keys.json": { harbor: KEY },
    },
  }),
  mods: () => ({
    env: { XDG_CONFIG_HOME: join(folder, "mods"), MODS_API: "harbor", MODS_MODEL: model, HARBOR_LAUNCH_API_KEY: KEY },
    files: {
      "mods/mods.yml": {
        "default-api": "harbor",
        "default-model": model,
        apis: { harbor: { "base-url": `${url()}/v1`, "api-key-env": "HARBOR_LAUNCH_API_KEY", models: { [model]: {} } } },
      },
    },
  }),
  opencode: () => ({
    env: {
      HARBOR_LAUNCH_API_KEY: KEY,
      OPENCODE_CONFIG_CONTENT: {
        provider: {
          harbor: {
            npm: "@ai-sdk/openai-compatible",
            name: "Harbor",
            options: { baseURL: `${url()}/v1`, apiKey: "{env:HARBOR_LAUNCH_API_KEY}" },
            models: { [model]: { name: model } },
          },
        },
        model: `harbor/${model}`,
        small_model: `harbor/${model}`,
      },
    },
  }),
  openhands: () => ({
    args: ["--override-with-envs"],
    env: { LLM_BASE_URL: `${url()}/v1`, LLM_MODEL: `openai/${model}`, LLM_API_KEY: KEY },
  }),
  pi: () => ({
    args: ["--extension", join(folder, "pi/harbor.js"), "--model", `harbor/${model}`],
    env: { HARBOR_LAUNCH_API_KEY: KEY },
    files: { "harbor.js": expect.stringContaining('pi.registerProvider("harbor"') },
  }),
  qwen: () => ({
    args: ["--auth-type", "openai", "--model", model],
    env: { OPENAI_BASE_URL: `${url()}/v1`, OPENAI_API_KEY: KEY, OPENAI_MODEL: model },
  }),
};

test("every tool of the table is here", () => {
  expect(Object.keys(EXPECTED).sort()).toEqual(TOOLS.map(({ name }) => name));
});

test.each(TOOLS.map(({ name }) => name))(
  "%s is given what its documentation says, beside the user's words, and no key in them (D8, D12)",
  async (name) => {
    const tool = TOOLS.find((it) => it.name === name);
    const expected = EXPECTED[name]?.() ?? {};
    const words = ["--json", "a b", "--", "$HOME", ""];
    const { exit, stdout, stderr } = await box.run(["launch", name, ...words], { env });
    expect({ exit, stderr }).toMatchObject({ exit: 0, stderr: expect.stringContaining(`harbor: ${tool?.title} with `) });
    const given = JSON.parse(stdout) as Given;
    expect(given).toMatchObject({ says: `a stand-in for ${tool?.program}`, cwd: box.root });
    expect(given.args).toEqual([...(expected.args ?? []), ...words]);
    expect(picked(given, Object.keys(expected.env ?? {}))).toEqual(expected.env ?? {});
    const files = Object.fromEntries(Object.entries(given.files).map(([path, text]) => [path, read(text)]));
    expect(files).toEqual((expected.files ?? {}) as Record<string, unknown>);
    expect(given.args.join(" ")).not.toContain(KEY);
  },
);

test("pi's extension registers the provider, the key out of its environment", async () => {
  await box.run(["launch", "pi"], { env });
  const registered = Promise.withResolvers<[string, object]>();
  process.env.HARBOR_LAUNCH_API_KEY = KEY;
  const { default: extension } = (await import(join(folder, "pi/harbor.js"))) as { default: (pi: object) => void };
  extension({ registerProvider: (name: string, provider: object) => registered.resolve([name, provider]) });
  delete process.env.HARBOR_LAUNCH_API_KEY;
  const [name, provider] = await registered.promise;
  expect(name).toBe("harbor");
  expect(provider).toMatchObject({ baseUrl: `${url()}/v1`, api: "openai-completions", apiKey: KEY, models: [{ id: model }] });
});

test("a context that the server tells of is told on", async () => {
  box.services({
    "gem/compose.gem.yml":
      "x-harbor:\n  name: Gem\n  tags: [backend]\n  provides: [gemini-api, openai-api]\nservices:\n  gem:\n    image: busybox:local\n",
  });
  const { stdout } = await box.run(["launch", "--backend", "gem", "goose"], { env });
  expect((JSON.parse(stdout) as Given).env).toMatchObject({ GOOSE_MODEL: "gem", GOOSE_CONTEXT_LIMIT: "50000" });
});
