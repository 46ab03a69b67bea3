/** In the OpenAPI document: requests through the conductor to a component, and questions that one answers while the other waits. */

import { GLOB, TYPE } from "../../core/match-type.ts";
import { REQUEST_ID, routes as requests, TARGET, TIMEOUT_S, TYPES } from "../requests.ts";
import { LONGEST_S, routes as route } from "../route.ts";
import { COMPONENT_ID } from "../words.ts";
import type { Group, Operation } from "./describe.ts";
import { anything, choice, count, list, matching, number, object, ruled, text } from "./schema.ts";

const request: Operation = {
  id: "request",
  summary: "Ask, and wait for the answer",
  description: "Kept nowhere: where nobody listens that is said at once. A `ping` needs nobody's help.",
  body: object(
    { to: ruled(TARGET), request_type: matching(TYPE) },
    {
      from: ruled(COMPONENT_ID, "The one that asks"),
      payload: anything("Any JSON"),
      timeout_seconds: number(`${TIMEOUT_S.fallback} where it is left out`, TIMEOUT_S),
    },
  ),
  example: { from: "sherlock-hub", to: "sherlock-hub-001", request_type: "ping", timeout_seconds: 5 },
  answers: {
    200: {
      description: "The answer",
      schema: object(
        { status: { const: "answered" }, request_id: text(), answered_by: text(), duration_ms: count },
        { result: anything("What it answered, any JSON") },
      ),
    },
  },
  errors: ["not_yours", "unknown_component", "no_responder", "upstream_failed", "upstream_timeout", "request_failed"],
};

const listen: Operation = {
  id: "listen",
  summary: "Hear what one is asked",
  query: [
    { name: "component", schema: text(), description: "With the conductor's token: whose" },
    {
      name: "request_type",
      schema: matching(GLOB),
      isList: true,
      description: `At most ${TYPES} types, with * for any part; all where it is left out`,
    },
  ],
  answers: {
    200: {
      description: "A stream that stays open",
      events: {
        listening: object({ component_id: text(), request_types: list(text()) }),
        request: object({
          request_id: text(),
          from: text(),
          request_type: text(),
          payload: anything("Any JSON"),
          timeout_seconds: number(),
        }),
        cancel: object({ request_id: text() }),
        "conductor-replaced": object({ component_id: text(), reason: text() }),
        "conductor-dropped": object({ reason: text() }),
      },
    },
  },
  errors: ["not_yours", "unknown_component"],
};

export const routing: Group = {
  tag: "Requests",
  description: "Through the conductor to a component, as HTTP or as a question that it answers",
  routes: { ...route, ...requests },
  operations: {
    "/route/*": {
      ANY: {
        id: "route",
        summary: "Pass a request on to an instance that can take it",
        description: "`path` may have slashes; it and the query are passed on as they are, bodies and answers as they come.",
        path: [
          { name: "name", schema: text(), description: "An id, a component, or a capability" },
          { name: "path", schema: text() },
        ],
        headers: [
          { name: "X-Route-Timeout", schema: number(undefined, { most: LONGEST_S }), description: "Seconds to answer in, and of a pause" },
          { name: "X-Harbor-Token", schema: text(), description: "The token, where `Authorization` is meant for the component" },
        ],
        answers: {},
        errors: ["unknown_component", "no_instance", "upgrade_not_supported", "upstream_failed", "upstream_timeout", "loop_detected"],
        passesOn: true,
      },
    },
    "/request": { POST: request },
    "/requests/listen": { GET: listen },
    "/requests/answer": {
      POST: {
        id: "answer",
        summary: "Answer what was asked",
        body: {
          ...object(
            { request_id: ruled(REQUEST_ID) },
            { component_id: ruled(COMPONENT_ID), result: anything("Any JSON"), error: anything("Instead of a result: why there is none") },
          ),
          oneOf: [{ required: ["result"] }, { required: ["error"] }],
        },
        example: { request_id: "0b8ad1c2-5a0e-4c2f-9d0b-0c1f2e3d4a5b", result: 42 },
        answers: { 200: { description: "The other one has it", schema: object({ status: choice(["delivered"]), request_id: text() }) } },
        errors: ["not_yours", "unknown_component", "unknown_request"],
      },
    },
  },
};
