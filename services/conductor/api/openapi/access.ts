/** In the OpenAPI document: who may do what with whom. */
import { OPERATIONS } from "../../core/access-rules.ts";
import { NAME, routes, TARGETS } from "../access.ts";
import type { Group } from "./describe.ts";
import { choice, list, object, ref, ruled, type Schema, text } from "./schema.ts";

const rule: Readonly<Record<string, Schema>> = { from: text(), to: list(text()), allowed_operations: list(text()) };

export const access: Group = {
  tag: "Access control",
  description: "Without any rule everything is allowed, with one only what a rule allows",
  routes,
  operations: {
    "/access-control": {
      GET: {
        id: "listRules",
        summary: "All rules",
        answers: { 200: { description: "All", schema: object({ default: choice(["allow", "deny"]), rules: list(ref("AccessRule")) }) } },
      },
      POST: {
        id: "putRule",
        summary: "Add a rule, or change that of the same `from`",
        body: object(
          { from: ruled(NAME), to: list(ruled(NAME), { maxItems: TARGETS }) },
          { allowed_operations: list(choice(["*", ...OPERATIONS]), { maxItems: OPERATIONS.length }) },
        ),
        example: { from: "sherlock-hub", to: ["nsds"], allowed_operations: ["*"] },
        answers: { 201: { description: "It counts", schema: object({ status: { const: "configured" }, ...rule }) } },
      },
    },
    "/access-control/:from": {
      DELETE: {
        id: "removeRule",
        summary: "Remove it",
        path: [{ name: "from", schema: text() }],
        answers: { 200: { description: "It is gone", schema: object({ status: { const: "deleted" }, from: text() }) } },
        errors: ["unknown_rule"],
      },
    },
  },
  schemas: { AccessRule: object(rule) },
};
