/**
 * What the manager can be told, once: names, types, defaults, help. The defaults and the variables are those of the
 * definition, so that speaches is the same whichever way it runs (test/services/speaches/parity.test.ts compares them).
 */
import { join } from "node:path";
import { findHome } from "harbor/config/find-home";
import { rankSettings, type SettingSources, type SettingsTable, type SettingValues } from "harbor/config/rank-settings";

type Env = Readonly<Record<string, string | undefined>>;

/** The version whose source is fetched by default: the image's, without what follows its number (`0.8.3-rc.1` is a version, `0.8.3-cpu` an image). */
const SOURCE = "https://github.com/speaches-ai/speaches/archive/refs/tags/v{version}.tar.gz";

const model = (description: string, variable: string, fallback: string) =>
  ({
    type: "text",
    description,
    env: variable,
    default: fallback,
    pattern: { expression: /^[\w.-]+\/[\w.-]+$/, words: "a model of the Hugging Face hub, as owner/name" },
  }) as const;

export const SETTINGS = {
  host: { type: "text", description: "Address to listen on", env: "HARBOR_SPEACHES_HOST", default: "127.0.0.1" },
  port: { type: "integer", description: "Port to listen on", env: "HARBOR_SPEACHES_HOST_PORT", default: 34331, least: 1, most: 65_535 },
  stt_model: model("Model for speech to text", "HARBOR_SPEACHES_STT_MODEL", "Systran/faster-whisper-small"),
  tts_model: model("Model for text to speech", "HARBOR_SPEACHES_TTS_MODEL", "speaches-ai/Kokoro-82M-v1.0-ONNX"),
  tts_voice: { type: "text", description: "Voice that is tried at the start", env: "HARBOR_SPEACHES_TTS_VOICE", default: "af_heart" },
  provider: {
    type: "text",
    description: "ONNX Runtime execution providers to use, in this order: auto, cpu, coreml, cuda, tensorrt, migraphx, openvino, …",
    env: "HARBOR_ONNX_PROVIDER",
    default: "auto",
  },
  device: {
    type: "choice",
    description: "What speech to text runs on",
    env: "HARBOR_SPEACHES_DEVICE",
    choices: ["auto", "cpu", "cuda"],
    default: "auto",
  },
  compute_type: {
    type: "choice",
    description: "Number format of speech to text",
    env: "HARBOR_SPEACHES_COMPUTE_TYPE",
    choices: ["default", "int8", "int8_float16", "int8_bfloat16", "int8_float32", "int16", "float16", "bfloat16", "float32"],
    default: "default",
  },
  model_ttl: {
    type: "integer",
    description: "Seconds until an unused model is unloaded; -1: never",
    env: "HARBOR_SPEACHES_MODEL_TTL",
    default: 300,
    least: -1,
    most: 31_536_000,
  },
  ui: { type: "flag", description: "Serve speaches' own web page", env: "HARBOR_SPEACHES_UI", default: true },
  log_level: {
    type: "choice",
    description: "How much speaches logs",
    env: "HARBOR_SPEACHES_LOG_LEVEL",
    choices: ["debug", "info", "warning", "error", "critical"],
    default: "info",
  },
  check: { type: "flag", description: "Speak and listen once before it counts as ready", env: "HARBOR_SPEACHES_CHECK", default: true },
  start_timeout: {
    type: "duration",
    description: "How long the server may take to answer, and a model to load",
    env: "HARBOR_SPEACHES_START_TIMEOUT",
    default: "3m",
  },
  answer_timeout: {
    type: "duration",
    description: "How long the running server may give no sign of life before it counts as stuck",
    env: "HARBOR_SPEACHES_ANSWER_TIMEOUT",
    default: "1m",
  },
  retry: { type: "duration", description: "How often what is missing is tried again", env: "HARBOR_SPEACHES_RETRY", default: "1m" },
  offline: { type: "flag", description: "Use what is there, fetch nothing", env: "HARBOR_SPEACHES_OFFLINE", default: false },
  version: {
    type: "text",
    description: "Version of speaches",
    env: "HARBOR_SPEACHES_VERSION",
    default: "0.8.3",
    pattern: { expression: /^[\w.+-]+$/, words: "a version" },
  },
  source: {
    type: "text",
    description: "Source that speaches is installed from: a folder, an archive or its URL; none: the package below",
    env: "HARBOR_SPEACHES_SOURCE",
    default: SOURCE,
  },
  package: {
    type: "text",
    description: "What to install without a source, as pip understands it",
    env: "HARBOR_SPEACHES_PACKAGE",
    default: "speaches=={version}",
  },
  python: {
    type: "text",
    description: "Python to use: a version (3.12, >=3.11) or an interpreter's path",
    env: "HARBOR_SPEACHES_PYTHON",
    default: "",
  },
  onnxruntime: {
    type: "text",
    description: "The build of ONNX Runtime to install; auto: the one for this host's GPU",
    env: "HARBOR_SPEACHES_ONNXRUNTIME",
    default: "auto",
    pattern: {
      expression: /^(?:auto|onnxruntime[\w.-]*(?:[=<>!~]=?[\w.*,=<>!~]+)?)$/,
      words: "auto or a package such as onnxruntime-openvino",
    },
  },
  index_url: {
    type: "text",
    description: "Python package index instead of pip's or uv's own; none: find_links alone",
    env: "HARBOR_SPEACHES_INDEX_URL",
    default: "",
  },
  find_links: { type: "list", description: "Folders or pages with Python packages", env: "HARBOR_SPEACHES_FIND_LINKS", default: [] },
  hf_endpoint: {
    type: "text",
    description: "Model hub to fetch from",
    env: "HARBOR_SPEACHES_HF_ENDPOINT",
    default: "https://huggingface.co",
  },
  hf_token: { type: "text", description: "Token for models that need one", env: "HARBOR_HF_TOKEN", default: "", isSecret: true },
  data: {
    type: "path",
    description: "Folder of the models, in the hub's own layout",
    env: "HARBOR_SPEACHES_DATA",
    default: (env: Env) => join(env.HARBOR_DATA || join(findHome(env), "data"), "speaches"),
    shown: "$HARBOR_DATA/speaches",
  },
  environment: {
    type: "path",
    description: "Folder of the Python environment",
    env: "HARBOR_SPEACHES_ENVIRONMENT",
    default: (env: Env) => join(findHome(env), "state", "python", "speaches"),
    shown: "$HARBOR_HOME/state/python/speaches",
  },
} as const satisfies SettingsTable;

export type Settings = SettingValues<typeof SETTINGS>;

/** Where the file is when no other is named; it need not be there. */
export function configFile(env: Env): string {
  return join(findHome(env), "speaches", "config.yml");
}

/** The values and where each came from; `{version}` filled in. Throws `usage`. */
export function readSettings(sources: SettingSources) {
  const { values, settings } = rankSettings(SETTINGS, sources);
  const fill = (text: string): string => text.replaceAll("{version}", values.version);
  const filled: Settings = { ...values, source: fill(values.source), package: fill(values.package) };
  return { values: filled, settings: settings.map((it) => (typeof it.value === "string" ? { ...it, value: fill(it.value) } : it)) };
}
