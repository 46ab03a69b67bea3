import { describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { makeDocument } from "../../../services/conductor/api/openapi/document.ts";
import { ROUTES } from "../../../services/conductor/server.ts";
import { useServers } from "./_server.ts";

const start = useServers();

interface Operation {
  operationId: string;
  summary: string;
  security: Record<string, unknown>[];
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema?: object; example?: unknown }> };
  responses: Record<string, { content?: Record<string, { schema?: { $ref?: string } }> }>;
}

const document = makeDocument() as { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, object> } };
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

describe("openapi.json", () => {
  test("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    expect(validator.version).toBe("3.1");
  });

  test("has every route and method, and none more", () => {
    const wildcards: Record<string, string> = { "/state/*": "/state/{key}", "/route/*": "/route/{name}/{path}" };
    const any = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    const served = Object.entries(ROUTES).flatMap(([path, methods]) =>
      Object.keys(methods).flatMap((method) =>
        (method === "ANY" ? any : [method]).map((each) => `${each} ${wildcards[path] ?? path.replace(/:(\w+)/g, "{$1}")}`),
      ),
    );
    const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    expect(described.sort()).toEqual(served.sort());
  });

  test("says who may ask as the routes do", () => {
    const wanted = { open: [], operator: ["operator"], page: ["component", "operator"] };
    const routes = Object.entries(ROUTES).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { access }]) => ({ path, method, access })),
    );
    for (const { path, method, access = "page" } of routes.filter(({ path }) => !path.endsWith("*"))) {
      const operation = document.paths[path.replace(/:(\w+)/g, "{$1}")]?.[method.toLowerCase()];
      expect({ path, who: operation?.security.flatMap((each) => Object.keys(each)) }).toEqual({ path, who: wanted[access] });
    }
  });

  test("names every operation once, and every parameter of its path", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations) {
      const named = (operation.parameters ?? []).filter((each) => each.in === "path").map(({ name }) => name);
      expect(named).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name));
    }
  });

  test("has schemas that can be compiled, each used, and examples that match theirs", () => {
    const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allowUnionTypes: true, validateFormats: false });
    ajv.addVocabulary(["openapi", "info", "jsonSchemaDialect", "servers", "tags", "paths", "components"]);
    ajv.addSchema(document, "api");
    for (const name of Object.keys(document.components.schemas)) {
      expect(ajv.compile({ $ref: `api#/components/schemas/${name}` })).toBeFunction();
      expect(JSON.stringify(document)).toContain(`"#/components/schemas/${name}"`);
    }
    let examples = 0;
    for (const { path, method, operation } of operations) {
      const { schema, example } = operation.requestBody?.content["application/json"] ?? {};
      if (schema === undefined) continue;
      examples++;
      const pointer = [path, method].map((part) => encodeURIComponent(part.replaceAll("/", "~1"))).join("/");
      const validate = ajv.compile({ $ref: `api#/paths/${pointer}/requestBody/content/application~1json/schema` });
      expect({ path, isRight: validate(example), errors: validate.errors }).toEqual({ path, isRight: true, errors: null });
    }
    expect(examples).toBeGreaterThan(12);
  });

  test("is served without a token, and not again to whoever has it", async () => {
    const server = await start();
    const answer = await server.ask("GET", "/openapi.json", { token: null });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(JSON.parse(JSON.stringify(document)));
    const etag = answer.headers.get("etag") ?? "";
    expect((await server.ask("GET", "/openapi.json", { token: null, headers: { "if-none-match": etag } })).status).toBe(304);
    expect((await server.ask("GET", "/openapi.json", { token: null, headers: { origin: "https://evil.example" } })).status).toBe(403);
  });
});
