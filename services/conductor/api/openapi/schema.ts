/** Words to write schemas in: JSON Schema 2020-12, which is what OpenAPI 3.1 takes (https://spec.openapis.org/oas/v3.1.1). */
import type { TextRule } from "../fields.ts";

export type Schema = Readonly<Record<string, unknown>>;

/** One that has a name of its own in the document. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** What is always there first, then what may be missing. */
export function object(required: Readonly<Record<string, Schema>>, optional: Readonly<Record<string, Schema>> = {}): Schema {
  return { type: "object", properties: { ...required, ...optional }, required: Object.keys(required) };
}

/** Any names, each with such a value. */
export function map(values: Schema, more: Schema = {}): Schema {
  return { type: "object", additionalProperties: values, ...more };
}

export function list(items: Schema, more: Schema = {}): Schema {
  return { type: "array", items, ...more };
}

export function text(description?: string, more: Schema = {}): Schema {
  return { type: "string", ...(description === undefined ? {} : { description }), ...more };
}

export function choice(choices: readonly string[], description?: string): Schema {
  return text(description, { enum: choices });
}

/** A text as the rule that reads it wants it. */
export function ruled({ pattern, words }: TextRule, description = ""): Schema {
  return text([description, words].filter((part) => part !== "").join(": "), { pattern: pattern.source });
}

export function matching(pattern: RegExp, description?: string): Schema {
  return text(description, { pattern: pattern.source });
}

export function number(description?: string, { least, most }: { least?: number; most?: number } = {}): Schema {
  return { type: "number", ...about(description, least, most) };
}

export function integer(description?: string, { least, most }: { least?: number; most?: number } = {}): Schema {
  return { type: "integer", ...about(description, least, most) };
}

export const yesOrNo = (description?: string): Schema => ({ type: "boolean", ...(description === undefined ? {} : { description }) });

/** Any JSON. */
export const anything = (description: string): Schema => ({ description });

export const time: Schema = { type: "string", format: "date-time" };
export const timeOrNull: Schema = { type: ["string", "null"], format: "date-time" };
export const orNull = (schema: Schema): Schema => ({ ...schema, type: [schema.type, "null"] });
export const count: Schema = { type: "integer", minimum: 0 };

function about(description: string | undefined, minimum: number | undefined, maximum: number | undefined): Schema {
  return {
    ...(description === undefined ? {} : { description }),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
  };
}
