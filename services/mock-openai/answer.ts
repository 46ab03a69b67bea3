/** What a mock says: always the same to the same question, and always that it is a mock. */

export interface Answer {
  /** Word by word, each with the space before it. */
  tokens: string[];
  finishReason: "stop" | "length";
  usage: Usage;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

const QUOTED_CHARACTERS = 400;

/** Quotes the question back, cut to `maxTokens`. */
export function makeAnswer(question: string, promptText: string, maxTokens: number | undefined): Answer {
  const quoted = question.length > QUOTED_CHARACTERS ? `${question.slice(0, QUOTED_CHARACTERS)}…` : question;
  const all = splitTokens(
    `This is mock-openai, a stand-in without a model. You said: ${quoted.trim() === "" ? "nothing." : quoted.trim()}`,
  );
  const tokens = maxTokens === undefined ? all : all.slice(0, maxTokens);
  return { tokens, finishReason: tokens.length < all.length ? "length" : "stop", usage: countUsage(promptText, tokens.length) };
}

/** A token here is a word. */
export function splitTokens(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}

export function countUsage(prompt: string, completion: number): Usage {
  const count = splitTokens(prompt).length;
  return { prompt_tokens: count, completion_tokens: completion, total_tokens: count + completion };
}

/** Names an answer after its question. */
export function makeId(prefix: string, body: unknown): string {
  return `${prefix}-mock${new Bun.CryptoHasher("sha256").update(JSON.stringify(body)).digest("hex").slice(0, 24)}`;
}
