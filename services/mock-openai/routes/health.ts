/** GET /health */

/** Says that it is well, and that it is no model. */
export function reportHealth(): Response {
  return Response.json({ status: "ok", service: "mock-openai", mock: true });
}
