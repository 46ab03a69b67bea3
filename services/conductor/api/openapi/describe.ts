/**
 * One operation as OpenAPI writes it, from the few words that its group says of it. What the code knows already is taken from there: who
 * may ask (`access` of the route), which rule it needs, which status a code has, which errors every operation can have.
 */
import { STATUSES } from "../answers.ts";
import type { Endpoint } from "../call.ts";
import { operationOf } from "../operations.ts";
import { ref, type Schema } from "./schema.ts";

export type Code = keyof typeof STATUSES;

export interface Answer {
  readonly description: string;
  /** Of its JSON; left out where there is no body. */
  readonly schema?: Schema;
  readonly example?: unknown;
  /** Server-sent events by name, with what their `data` is. */
  readonly events?: Readonly<Record<string, Schema>>;
  /** Another kind of content, of which nothing is said but what it is. */
  readonly content?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly query?: readonly Parameter[];
  readonly headers?: readonly Parameter[];
  readonly path?: readonly Parameter[];
  /** Of a JSON body. */
  readonly body?: Schema;
  readonly example?: unknown;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Beyond those that any operation can have. */
  readonly errors?: readonly Code[];
  /** A body of any kind, any answer: it is another's. */
  readonly passesOn?: boolean;
}

export interface Parameter {
  readonly name: string;
  readonly schema: Schema;
  readonly description?: string;
  /** It may be given several times, or as a list with commas. */
  readonly isList?: boolean;
}

export type Methods = Readonly<Record<string, Operation>>;
type Accesses = Readonly<Record<string, Readonly<Record<string, Pick<Endpoint, "access"> | undefined>>>>;

/** Routes of one file in `api/`, and what is said of them; paths and methods as the routes write them. */
export interface Group {
  readonly tag: string;
  readonly description: string;
  readonly routes: Accesses;
  readonly operations: Readonly<Record<string, Methods>>;
  readonly schemas?: Readonly<Record<string, Schema>>;
}

/** `ANY` stands for these. */
const ANY = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
const WILDCARDS: Readonly<Record<string, string>> = { "/state/*": "/state/{key}", "/route/*": "/route/{name}/{path}" };

/** A path as OpenAPI writes it. */
export function templateOf(path: string): string {
  return WILDCARDS[path] ?? path.replace(/:(\w+)/g, "{$1}");
}

/** All of the group's paths. */
export function describePaths(group: Group): Record<string, Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [path, methods] of Object.entries(group.operations)) {
    const item: Record<string, unknown> = {};
    for (const [method, operation] of Object.entries(methods)) {
      const access = group.routes[path]?.[method]?.access;
      for (const each of method === "ANY" ? ANY : [method]) {
        const id = method === "ANY" ? `${operation.id}${each[0]}${each.slice(1).toLowerCase()}` : operation.id;
        item[each.toLowerCase()] = describe({ ...operation, id }, { group, path, method: each, access });
      }
    }
    paths[templateOf(path)] = item;
  }
  return paths;
}

/** What any stream may end with. */
const ENDS = { "conductor-replaced": ref("Replaced"), "conductor-error": ref("Failed") };

interface Place {
  readonly group: Group;
  readonly path: string;
  readonly method: string;
  readonly access: Endpoint["access"];
}

function describe(operation: Operation, place: Place): object {
  const { id, summary, description, query = [], headers = [], path = [] } = operation;
  const rule = place.access === undefined || place.access === "page" ? operationOf(place.method, place.path) : undefined;
  const words = [description, rule === undefined ? undefined : `Where there are access rules it needs \`${rule}\`.`];
  const parameters = [
    ...path.map((each) => parameter("path", each)),
    ...query.map((each) => parameter("query", each)),
    ...headers.map((each) => parameter("header", each)),
  ];
  return {
    operationId: id,
    tags: [place.group.tag],
    summary,
    ...(words.some((each) => each !== undefined) ? { description: words.filter((each) => each !== undefined).join("\n\n") } : {}),
    security: securityOf(place.access),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...bodyOf(operation, place.method),
    responses: responsesOf(operation, place),
  };
}

function parameter(where: "path" | "query" | "header", { name, schema, description, isList = false }: Parameter): object {
  return {
    ...{ name, in: where, required: where === "path" },
    ...(description === undefined ? {} : { description }),
    ...(isList ? { style: "form", explode: false, schema: { type: "array", items: schema } } : { schema }),
  };
}

function securityOf(access: Endpoint["access"]): object[] {
  if (access === "open") return [];
  return access === "operator" ? [{ operator: [] }] : [{ component: [] }, { operator: [] }];
}

function bodyOf({ body, example, passesOn }: Operation, method: string): object {
  if (passesOn === true) return ["GET", "HEAD"].includes(method) ? {} : { requestBody: { content: { "*/*": {} } } };
  if (body === undefined) return {};
  const content = { "application/json": { schema: body, ...(example === undefined ? {} : { example }) } };
  return { requestBody: { required: true, content } };
}

function responsesOf(operation: Operation, { access, method }: Place): object {
  const good = Object.entries(operation.answers).map(([status, answer]) => [status, responseOf(answer, method)]);
  const byStatus = Map.groupBy(codesOf(operation, access), (code) => STATUSES[code]);
  const bad = [...byStatus].map(([status, codes]) => [String(status), refusal(codes)]);
  const other = operation.passesOn === true ? { default: { description: "What the component answers", content: { "*/*": {} } } } : {};
  return { ...Object.fromEntries([...good, ...bad]), "500": { $ref: "#/components/responses/Defect" }, ...other };
}

function responseOf({ description, schema, example, events, content, headers = {} }: Answer, method: string): object {
  const json = schema === undefined ? {} : { "application/json": { schema, ...(example === undefined ? {} : { example }) } };
  const stream = events === undefined ? {} : { "text/event-stream": { schema: { type: "string" }, "x-events": { ...ENDS, ...events } } };
  const other = content === undefined ? {} : { [content]: { schema: { type: "string" } } };
  const all = method === "HEAD" ? {} : { ...json, ...stream, ...other };
  const named = Object.entries(headers).map(([name, words]) => [name, { description: words, schema: { type: "string" } }]);
  return {
    description,
    ...(named.length === 0 ? {} : { headers: Object.fromEntries(named) }),
    ...(Object.keys(all).length === 0 ? {} : { content: all }),
  };
}

/** What may go wrong wherever a token, a query or a body is read, and where the store is asked. */
function codesOf({ body, query = [], path = [], errors = [] }: Operation, access: Endpoint["access"]): Set<Code> {
  const asked: Code[] = access === "open" ? ["access_denied"] : ["token_required", "unknown_token", "access_denied", "rate_limited"];
  const read: Code[] = query.length + path.length > 0 ? ["invalid_request"] : [];
  const sent: Code[] = body === undefined ? [] : ["invalid_json", "invalid_request", "payload_too_large"];
  return new Set([...asked, ...read, ...sent, ...errors, ...(access === "open" ? [] : (["unavailable"] as const))]);
}

function refusal(codes: readonly Code[]): object {
  const schema = { ...ref("Error"), properties: { error: { properties: { code: { enum: codes } } } } };
  return { description: codes.map((code) => `\`${code}\``).join(", "), content: { "application/json": { schema } } };
}
