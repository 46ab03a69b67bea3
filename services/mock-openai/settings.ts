/** What the environment may set, checked. */

export interface Settings {
  host: string;
  port: number;
  /** Asked for in `Authorization: Bearer …`, or in `x-api-key`, when it is not empty. */
  apiKey: string;
  /** Between two tokens of a streamed answer, so that streaming can be seen. */
  tokenDelayMs: number;
}

/** Throws naming the variable that is wrong. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  return {
    host: env.MOCK_OPENAI_HOST || "127.0.0.1",
    port: readNumber(env, "MOCK_OPENAI_PORT", 8080, 65_535),
    apiKey: env.MOCK_OPENAI_API_KEY ?? "",
    tokenDelayMs: readNumber(env, "MOCK_OPENAI_TOKEN_DELAY_MS", 20, 60_000),
  };
}

function readNumber(env: Readonly<Record<string, string | undefined>>, name: string, fallback: number, most: number): number {
  const text = env[name] || String(fallback);
  if (/^\d+$/.test(text) && Number(text) <= most) return Number(text);
  throw new Error(`${name} must be a whole number up to ${most}, not "${text}"`);
}
