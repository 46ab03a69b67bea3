/** In the OpenAPI document: the conductor itself. */
import { routes as status } from "../status.ts";
import type { Group } from "./describe.ts";
import { choice, object, ref, text, yesOrNo } from "./schema.ts";

export const itself: Group = {
  tag: "Conductor",
  description: "The conductor itself; no token is asked for",
  // the second is the one that this document is read for: its file is not read here, but says the same
  routes: { ...status, "/openapi.json": { GET: { access: "open" } } },
  operations: {
    "/health": {
      GET: {
        id: "health",
        summary: "Whether it is well",
        description: "200 as long as it answers: without its store it still knows who is alive, and says what it lacks.",
        answers: {
          200: {
            description: "It answers",
            schema: object({ status: choice(["ok", "degraded"]), service: { const: "conductor" }, store: ref("Store") }),
          },
        },
      },
    },
    "/openapi.json": {
      GET: {
        id: "openapi",
        summary: "This document",
        answers: {
          200: { description: "OpenAPI 3.1", schema: { type: "object", additionalProperties: true } },
          304: { description: "It is still the one with this ETag" },
        },
      },
    },
  },
  schemas: {
    Store: object({ kind: choice(["sqlite", "redis"]), ok: yesOrNo() }, { reason: text("What is wrong, or good to know") }),
  },
};
