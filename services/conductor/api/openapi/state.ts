/** In the OpenAPI document: shared state. */
import { KEY_LENGTH, LIMIT, routes, TTL_S } from "../state.ts";
import type { Group, Operation } from "./describe.ts";
import { anything, count, integer, list, number, object, ref, text, time, timeOrNull, yesOrNo } from "./schema.ts";

const path = [{ name: "key", schema: text("Slashes may stand as they are", { minLength: 1, maxLength: KEY_LENGTH }) }];
const headers = [
  { name: "If-Match", schema: text(undefined, { pattern: '^\\s*"\\d{1,15}"\\s*$' }), description: "Only this version" },
  { name: "If-None-Match", schema: text(), description: "`*`: only what is not there" },
];
const entry = { description: "It, with its version", schema: ref("StateEntry"), headers: { ETag: "Its version" } };

const readAll: Operation = {
  id: "listState",
  summary: "Keys and values by prefix",
  query: [
    { name: "prefix", schema: text() },
    { name: "after", schema: text(), description: "The last key of the page before" },
    { name: "limit", schema: integer(undefined, LIMIT) },
    { name: "watch", schema: yesOrNo(), description: "What is there, `synced`, and then each change, as server-sent events" },
  ],
  answers: {
    200: {
      description: "By key",
      schema: object({ entries: list(ref("StateEntry")) }),
      events: {
        put: ref("StateEntry"),
        delete: object({ key: text() }),
        synced: object({ prefix: text(), entries: count }),
        "conductor-dropped": ref("Dropped"),
      },
    },
  },
};

export const state: Group = {
  tag: "State",
  description: "Any JSON under any key, for all",
  routes,
  operations: {
    "/state": { GET: readAll },
    "/state/*": {
      GET: {
        id: "readState",
        summary: "One value",
        path,
        headers: [{ name: "If-None-Match", schema: text(), description: "A version that is known: 304 where it is still this one" }],
        answers: { 200: entry, 304: { description: "It is still this version" } },
        errors: ["unknown_key"],
      },
      PUT: {
        id: "writeState",
        summary: "Write it",
        path,
        headers,
        body: object(
          { value: anything("Any JSON") },
          { ttl_seconds: { ...number("Then it goes by itself", { most: TTL_S }), exclusiveMinimum: 0 } },
        ),
        example: { value: { depth: 2 } },
        answers: { 200: entry },
        errors: ["version_mismatch"],
      },
      DELETE: {
        id: "deleteState",
        summary: "Delete it",
        path,
        headers,
        answers: { 200: { description: "It is gone", schema: object({ status: { const: "deleted" }, key: text() }) } },
        errors: ["unknown_key", "version_mismatch"],
      },
    },
  },
  schemas: {
    StateEntry: object({
      key: text(),
      value: anything("Any JSON"),
      version: integer("Of all keys together, growing"),
      updated_at: time,
      expires_at: timeOrNull,
    }),
  },
};
