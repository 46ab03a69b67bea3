/** Settings → the variables that speaches reads (its `Config`; `__` stands between a field and one inside of it). */
import { isSecretName } from "harbor/_script/secret-name";
import type { Settings } from "./settings.ts";

/** Secrets that speaches itself asks for. */
const OWN_SECRETS: ReadonlySet<string> = new Set(["API_KEY", "CHAT_COMPLETION_API_KEY"]);

/** What the server is given of the manager's environment: neither Harbor's nor the installers' own, nor the keys of other programs. */
export function inheritedVariables(env: Readonly<Record<string, string>>): Record<string, string> {
  const isForeign = (name: string): boolean => /^(?:HARBOR|PIP|UV)_/.test(name) || (isSecretName(name) && !OWN_SECRETS.has(name));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isForeign(name)));
}

/** All but those of the accelerator. The same as in the definition, where it says them at all. */
export function serverVariables(settings: Settings): Record<string, string> {
  const ttl = String(settings.model_ttl);
  return {
    STT_MODEL: settings.stt_model,
    TTS_MODEL: settings.tts_model,
    HF_HUB_CACHE: settings.data,
    ...(settings.hf_token === "" ? {} : { HF_TOKEN: settings.hf_token }),
    HF_ENDPOINT: settings.hf_endpoint,
    HF_HUB_OFFLINE: settings.offline ? "1" : "0",
    LOG_LEVEL: settings.log_level,
    ENABLE_UI: String(settings.ui),
    WHISPER__COMPUTE_TYPE: settings.compute_type,
    // until 0.8.3 the one, from then on the others
    WHISPER__TTL: ttl,
    STT_MODEL_TTL: ttl,
    TTS_MODEL_TTL: ttl,
    UVICORN_HOST: settings.host,
    UVICORN_PORT: String(settings.port),
    // as its image has it: the web page's library reports its use otherwise
    DO_NOT_TRACK: "1",
  };
}
