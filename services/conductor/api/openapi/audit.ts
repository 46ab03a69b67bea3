/** In the OpenAPI document: what was done and refused. */
import { AUDIT_LEVELS } from "../../core/audit-log.ts";
import { ENTRY_ID, LIMIT, routes } from "../audit.ts";
import type { Group } from "./describe.ts";
import { choice, count, integer, list, matching, object, orNull, ref, type Schema, text, time } from "./schema.ts";

const id = matching(ENTRY_ID);
const optional: Readonly<Record<string, Schema>> = {
  code: text("Of what was refused"),
  about: { type: "object", description: "Whom it was about" },
  left_out: { ...count, description: "Refusals before it that were not written down" },
};

export const audit: Group = {
  tag: "Audit",
  description: "What was done with the conductor's own token, and what was refused",
  routes,
  operations: {
    "/audit": {
      GET: {
        id: "listAudit",
        summary: "What is written down, oldest first",
        query: [
          { name: "since", schema: id, description: "Those after this one" },
          { name: "limit", schema: integer(undefined, LIMIT) },
        ],
        answers: {
          200: { description: "Entries", schema: object({ audit: choice(AUDIT_LEVELS), entries: list(ref("AuditEntry")) }) },
        },
      },
    },
  },
  schemas: {
    AuditEntry: object(
      { id, time, who: orNull(text()), from: text("The address"), action: text(), status: integer("Of the answer") },
      optional,
    ),
  },
};
