/** Holds what a conductor answers against its OpenAPI document: a status, a field or a type that is not described there is a mistake. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { makeDocument } from "../../../services/conductor/api/openapi/document.ts";

type Json = Record<string, unknown>;

const document = makeDocument() as { paths: Record<string, Record<string, { responses: Json; requestBody?: Json }>>; components: Json };

/** Fields that are not described would pass otherwise: for readers they may be there, a conductor of this version has none. */
function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close);
  if (typeof schema !== "object" || schema === null) return schema;
  const closed: Json = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, close(value)]));
  const isOpen = closed.type !== "object" || typeof closed.properties !== "object" || "additionalProperties" in closed;
  return isOpen ? closed : { ...closed, additionalProperties: false };
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
ajv.addFormat("uri", (text) => URL.canParse(text));
ajv.addFormat("email", true);
ajv.addSchema(document, "open");
ajv.addSchema(close(document) as Json, "closed");
const compiled = new Map<string, ValidateFunction>();

/** What is wrong with it; undefined where nothing is. */
function problemAt(document: "open" | "closed", pointer: readonly string[], value: unknown): string | undefined {
  const path = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
  const key = `${document}#/${path}`;
  const validate = compiled.get(key) ?? ajv.compile({ $ref: key });
  compiled.set(key, validate);
  return validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: "" });
}

/** As the document writes the path: names before what stands for any. */
function templateFor(path: string): string | undefined {
  const templates = Object.keys(document.paths).sort((a, b) => a.split("{").length - b.split("{").length);
  return templates.find((template) => {
    const parts = template.split(/\{\w+\}/).map((part) => RegExp.escape(part));
    // what may have slashes is at the end
    return new RegExp(`^${parts.join(template.startsWith("/state/") || template.startsWith("/route/") ? ".*" : "[^/]+")}$`).test(path);
  });
}

export interface Exchange {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly sent?: unknown;
  /** Left out: what it should be where all went well. */
  readonly status?: number;
  readonly headers?: Headers;
  /** JSON, if it is some. */
  readonly body: unknown;
}

/** Throws where the document says something else. */
export function expectDescribed({ method, path, sent, status, headers, body }: Exchange): void {
  const isOthers = headers !== undefined && headers.get("x-harbor-component") !== null;
  if (isOthers || headers?.get("content-type")?.startsWith("application/json") === false || typeof body !== "object") return;
  const place = [templateFor(path.split("?")[0] ?? "") ?? "", (method === "HEAD" ? "GET" : method).toLowerCase()] as const;
  const problem = answerProblem(place, status, body) ?? bodyProblem(place, status, sent);
  if (problem === undefined) return;
  const shown = [body, sent].map((each) => JSON.stringify(each)?.slice(0, 2_000));
  throw new Error(`services/conductor/api/openapi/ does not describe ${method} ${path} → ${status}: ${problem}\n${shown.join("\n")}`);
}

type Place = readonly [path: string, method: string];

function answerProblem([path, method]: Place, status: number | undefined, body: unknown): string | undefined {
  const responses = document.paths[path]?.[method]?.responses;
  const asError = ["components", "schemas", "Error"];
  // what there is not is refused, and nothing else
  if (responses === undefined) return problemAt("closed", asError, body);
  const found = status ?? Object.keys(responses).find((each) => each.startsWith("2"));
  if (found === undefined || responses[found] === undefined) return "no such status";
  const schema = ["paths", path, method, "responses", String(found), "content", "application/json", "schema"];
  return problemAt("closed", found === 500 ? asError : schema, body);
}

/** What was taken, and should have been refused by what the document says. */
function bodyProblem([path, method]: Place, status: number | undefined, sent: unknown): string | undefined {
  const isTaken = status !== undefined && status < 300 && typeof sent === "object" && sent !== null;
  if (!isTaken || document.paths[path]?.[method]?.requestBody === undefined) return undefined;
  const schema = ["paths", path, method, "requestBody", "content", "application/json", "schema"];
  // null stands for what is left out
  const said = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== null));
  return problemAt("open", schema, said) && problemAt("open", schema, sent);
}

/** The same for one server-sent event of a stream. */
export function expectDescribedEvent(path: string, event: string, data: unknown): void {
  const place = templateFor(path.split("?")[0] ?? "") ?? "";
  const stream = ["paths", place, "get", "responses", "200", "content", "text/event-stream", "x-events"];
  const found = stream.reduce<unknown>((value, part) => (value as Json | undefined)?.[part], document) as Json | undefined;
  const name = found !== undefined && event in found ? event : "*";
  const problem = found?.[name] === undefined ? "no such event" : problemAt("closed", [...stream, name], data);
  if (problem === undefined) return;
  throw new Error(`services/conductor/api/openapi/ does not describe "${event}" of ${path}: ${problem}\n${JSON.stringify(data)}`);
}
