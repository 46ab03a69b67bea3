/** GET /v1/models and /v1/models/{id} */
import { ApiError } from "../api-error.ts";

/** The same for every answer, so that equal questions have equal answers to the byte. */
export const CREATED = 1_700_000_000;

export const CHAT_MODEL = "mock-chat";
export const EMBEDDING_MODEL = "mock-embedding";

const MODELS = [CHAT_MODEL, EMBEDDING_MODEL].map((id) => ({ id, object: "model", created: CREATED, owned_by: "mock-openai" }));

export function listModels(): Response {
  return Response.json({ object: "list", data: MODELS });
}

export function showModel(id: string): Response {
  return Response.json(MODELS.find((model) => model.id === id) ?? refuse(id));
}

/** The `model` of a request; throws 404 for one that is not there, 400 for one that does something else. */
export function checkModel(body: Record<string, unknown>, wanted: string): string {
  const { model } = body;
  if (typeof model !== "string" || model === "") throw new ApiError("you must provide a model parameter", { param: "model" });
  if (!MODELS.some((known) => known.id === model)) refuse(model);
  if (model !== wanted) throw new ApiError(`The model '${model}' does not do this; use '${wanted}'`, { param: "model" });
  return model;
}

function refuse(id: string): never {
  throw new ApiError(`The model '${id}' does not exist`, { status: 404, param: "model", code: "model_not_found" });
}
