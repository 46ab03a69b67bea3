/** The whole protocol as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1): the same for every conductor, nothing in it is this one's. */
import { STATUSES } from "../answers.ts";
import { access } from "./access.ts";
import { audit } from "./audit.ts";
import { components } from "./components.ts";
import { describePaths, type Group } from "./describe.ts";
import { events } from "./events.ts";
import { itself } from "./itself.ts";
import { messages } from "./messages.ts";
import { routing } from "./routing.ts";
import { choice, integer, object, ref, type Schema, text } from "./schema.ts";
import { state } from "./state.ts";
import { watching } from "./watching.ts";

const GROUPS: readonly Group[] = [components, routing, events, messages, state, watching, access, audit, itself];

const DESCRIPTION = `Who is there and how they are: components register, beat, find each other, reach each other, tell each other what happened, send each
other messages and requests, and share state. Whoever registers has the conductor's own token, everything else is done with the one
that a component is given then. A field that may be left out may be null as well. Streams are server-sent events: \`x-events\` has their names, and
what their data is.`;

export function makeDocument(): Record<string, unknown> {
  return {
    openapi: "3.1.1",
    info: { title: "Harbor conductor", version: "1", description: DESCRIPTION, license: { name: "MIT", identifier: "MIT" } },
    jsonSchemaDialect: "https://spec.openapis.org/oas/3.1/dialect/base",
    servers: [{ url: "/" }],
    tags: GROUPS.map(({ tag: name, description }) => ({ name, description })),
    paths: Object.assign({}, ...GROUPS.map(describePaths)),
    components: {
      schemas: Object.assign({ Error: error() }, ...GROUPS.map(({ schemas = {} }) => schemas)),
      responses: {
        Defect: { description: "`internal`: a defect of the conductor's", content: { "application/json": { schema: ref("Error") } } },
      },
      securitySchemes: {
        operator: { type: "http", scheme: "bearer", description: "The conductor's own token: `harbor config get conductor.token`" },
        component: { type: "http", scheme: "bearer", description: "A component's, from `POST /register`" },
      },
    },
  };
}

/** More fields come with some codes. */
function error(): Schema {
  const about = object(
    { code: choice([...Object.keys(STATUSES), "internal"].sort()), message: text() },
    {
      hint: text("The next step"),
      field: text("Which one was wrong"),
      position: integer("Of the mistake in a condition, from 0", { least: 0 }),
      retry_after: integer("Seconds", { least: 1 }),
    },
  );
  return object({ error: { ...about, additionalProperties: true } });
}
