/** What one attempt of a probe comes to. */

export type Verdict = { ok: true } | { ok: false; reason: string };

export interface AttemptOptions {
  /** The attempt has failed after this long. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export const OK: Verdict = { ok: true };

export function failed(reason: string): Verdict {
  return { ok: false, reason };
}

/** Foreign text for one line of a message: without colours and characters that steer a terminal or turn the direction of writing, and short. */
export function excerpt(text: string, length: number): string {
  const line = Bun.stripANSI(text.slice(0, length * 8))
    .replace(/[\s\p{Cc}\p{Bidi_Control}]+/gu, " ")
    .trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}
