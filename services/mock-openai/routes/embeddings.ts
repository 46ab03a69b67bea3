/** POST /v1/embeddings: a text's vector is the sum of its words' vectors, so that texts with words in common are near each other */
import { countUsage, splitTokens } from "../answer.ts";
import { ApiError } from "../api-error.ts";
import { type Body, readBody, readInteger } from "../read-body.ts";
import { checkModel, EMBEDDING_MODEL } from "./models.ts";

const DEFAULT_DIMENSIONS = 384;
const MAX_DIMENSIONS = 4096;
const MAX_INPUTS = 2048;

export async function embed(request: Request): Promise<Response> {
  const body = await readBody(request);
  const model = checkModel(body, EMBEDDING_MODEL);
  const inputs = readInputs(body);
  const dimensions = readInteger(body, "dimensions", 1, MAX_DIMENSIONS) ?? DEFAULT_DIMENSIONS;
  const format = body.encoding_format ?? "float";
  if (format !== "float" && format !== "base64")
    throw new ApiError("'encoding_format' must be 'float' or 'base64'", { param: "encoding_format" });
  const data = inputs.map((text, index) => {
    const vector = embedText(text, dimensions);
    return { object: "embedding", index, embedding: format === "float" ? [...vector] : Buffer.from(vector.buffer).toString("base64") };
  });
  const { prompt_tokens } = countUsage(inputs.join(" "), 0);
  return Response.json({ object: "list", data, model, usage: { prompt_tokens, total_tokens: prompt_tokens } });
}

/** One text, several, or the same as lists of token numbers. */
function readInputs(body: Body): string[] {
  const { input } = body;
  const param = "input";
  const list: unknown[] = Array.isArray(input) && !input.every((item) => typeof item === "number") ? input : [input];
  if (list.length === 0 || list.length > MAX_INPUTS) throw new ApiError(`'input' must hold 1 to ${MAX_INPUTS} texts`, { param });
  return list.map((item) => {
    if (typeof item === "string" && item !== "") return item;
    if (Array.isArray(item) && item.length > 0 && item.every((token) => typeof token === "number")) return item.join(" ");
    throw new ApiError("'input' must be a text that is not empty, or a list of such", { param });
  });
}

/** Of length 1. */
function embedText(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  const words = splitTokens(text.toLowerCase()).map((word) => word.trim());
  for (const word of words.length === 0 ? [text] : words) addWord(vector, word);
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

/** xorshift32, seeded with the word's FNV-1a hash: written out, so that every version of bun gives the same. */
function addWord(vector: Float32Array, word: string): void {
  let seed = 0x811c9dc5;
  for (const byte of Buffer.from(word)) seed = Math.imul(seed ^ byte, 0x01000193) >>> 0;
  seed ||= 1;
  for (let index = 0; index < vector.length; index++) {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed = (seed ^ (seed << 5)) >>> 0;
    vector[index] = (vector[index] ?? 0) + seed / 0x80000000 - 1;
  }
}
