/**
 * The environment → where models are kept and come from, by the variables of huggingface_hub (its page "Environment variables"), so
 * that whoever has set it up for Python need not do so again.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { homeDirectory } from "../_script/home-directory.ts";

export interface HubSettings {
  /** `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else `~/.cache/huggingface/hub`. */
  cache: string;
  /** `HF_ENDPOINT`. */
  endpoint: string;
  /** `HF_TOKEN`, else what `hf auth login` has left. */
  token?: string;
  /** `HF_HUB_OFFLINE`. */
  isOffline: boolean;
}

export const DEFAULT_ENDPOINT = "https://huggingface.co";

export function hubSettings(env: Record<string, string | undefined>): HubSettings {
  const user = homeDirectory(env);
  const expand = (path: string): string => (path === "~" || path.startsWith("~/") ? join(user, path.slice(1)) : path);
  const home = expand(env.HF_HOME || join(env.XDG_CACHE_HOME || join(user, ".cache"), "huggingface"));
  const token = readToken(env, expand(env.HF_TOKEN_PATH || join(home, "token")));
  return {
    cache: expand(env.HF_HUB_CACHE || env.HUGGINGFACE_HUB_CACHE || join(home, "hub")),
    endpoint: env.HF_ENDPOINT || DEFAULT_ENDPOINT,
    ...(token === undefined ? {} : { token }),
    isOffline: /^(?:1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE || ""),
  };
}

function readToken(env: Record<string, string | undefined>, path: string): string | undefined {
  const named = (env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || "").trim();
  if (named !== "") return named;
  if (/^(?:1|on|yes|true)$/i.test(env.HF_HUB_DISABLE_IMPLICIT_TOKEN ?? "")) return undefined;
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
