/** In the OpenAPI document: what happened. */
import { GLOB, TYPE } from "../../core/match-type.ts";
import { EVENT_ID, LIMIT, routes, TYPES } from "../events.ts";
import type { Group } from "./describe.ts";
import { anything, integer, list, matching, object, ref, text, time } from "./schema.ts";

const since = matching(EVENT_ID);

export const events: Group = {
  tag: "Events",
  description: "What happened, to everyone who wants to hear of it",
  routes,
  operations: {
    "/events": {
      GET: {
        id: "listEvents",
        summary: "What is kept, oldest first",
        query: [
          { name: "since", schema: since, description: "Those after this one" },
          { name: "limit", schema: integer(undefined, LIMIT) },
        ],
        answers: { 200: { description: "Events", schema: object({ events: list(ref("Event")) }) } },
      },
    },
    "/events/subscribe": {
      GET: {
        id: "subscribe",
        summary: "Hear of events as they come",
        description: "Each has its type as the name of the event, and its id. A quiet stream gets a comment now and then.",
        query: [
          { name: "event_type", schema: matching(GLOB), isList: true, description: `At most ${TYPES}, with * for any part: \`entity-*\`` },
          { name: "since", schema: since, description: "As the header, for those who cannot send it" },
        ],
        headers: [{ name: "Last-Event-ID", schema: since, description: "What came after it comes first" }],
        answers: {
          200: {
            description: "A stream that stays open",
            events: {
              "*": ref("Event"),
              "conductor-lost": object({ since: text(), oldest: text() }),
              "conductor-dropped": ref("Dropped"),
              "conductor-store-away": object({ reason: text() }),
            },
          },
        },
      },
    },
    "/events/publish": {
      POST: {
        id: "publish",
        summary: "Tell of an event",
        body: object(
          { event_type: matching(TYPE, "None that begins with component-, conductor- or alert-") },
          { data: anything("Any JSON") },
        ),
        example: { event_type: "entity-created", data: { id: 7 } },
        answers: {
          201: { description: "It is kept", schema: object({ status: { const: "published" }, event_id: text() }) },
        },
      },
    },
  },
  schemas: {
    Event: object({ event_id: text(), event_type: text(), source: text(), timestamp: time, data: anything("Any JSON") }),
  },
};
