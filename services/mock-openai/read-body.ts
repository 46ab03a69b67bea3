/** A request's JSON body, and its fields with OpenAI's kind of complaint. */
import { ApiError } from "./api-error.ts";

export type Body = Record<string, unknown>;

/** Throws 400 for what is no JSON object. */
export async function readBody(request: Request): Promise<Body> {
  const text = await request.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ApiError("We could not parse the JSON body of your request");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Body;
  throw new ApiError("The body of the request must be a JSON object");
}

/** A whole number within bounds, or undefined where the field is left out. */
export function readInteger(body: Body, param: string, least: number, most: number): number | undefined {
  const value = body[param] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ApiError(`'${param}' must be an integer from ${least} to ${most}`, { param });
}

/** Only one answer to a question is given. */
export function refuseSeveral(body: Body): void {
  if ((readInteger(body, "n", 1, 128) ?? 1) > 1) throw new ApiError("mock-openai gives one answer: 'n' must be 1", { param: "n" });
}

/** `stream`, with or without a last chunk that counts the tokens. */
export function readStream(body: Body): { isStream: boolean; hasUsage: boolean } {
  const stream = body.stream ?? false;
  if (typeof stream !== "boolean") throw new ApiError("'stream' must be true or false", { param: "stream" });
  const options = (body.stream_options ?? {}) as Body;
  return { isStream: stream, hasUsage: options.include_usage === true };
}
