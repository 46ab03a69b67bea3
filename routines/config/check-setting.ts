/** Whether a value is one that its declaration allows. */
import { parseDuration } from "../_script/duration.ts";
import { HarborError } from "../_script/error.ts";
import { parseSize } from "../_script/size.ts";
import { type Declaration, placeOfDeclaration } from "./read-declarations.ts";

/** Throws `usage` with the place of the declaration. An empty value is always allowed: to `${NAME:-…}` it is none. */
export function checkSetting(declaration: Declaration, value: string): void {
  if (value === "" || isAllowed(declaration, value)) return;
  const shown = declaration.isSecret ? "this value" : JSON.stringify(value);
  const { source, name } = declaration;
  throw new HarborError(`Cannot set ${source?.key ?? name} to ${shown}: it takes ${describeType(declaration)}`, {
    exit: "usage",
    ...placeOfDeclaration(declaration),
  });
}

/** For a person: `one of cpu, cuda`, `a whole number from 0 to 9`. */
export function describeType(declaration: Declaration): string {
  const { type, choices } = declaration;
  if (choices !== undefined) return `one of ${choices.join(", ")}`;
  switch (type) {
    case "text":
      return "a text";
    case "integer":
      return `a whole number${limits(declaration)}`;
    case "number":
      return `a number${limits(declaration)}`;
    case "boolean":
      return "true or false";
    case "port":
      return "a port, a whole number from 1 to 65535";
    case "duration":
      return "a duration, such as 90s or 5m";
    case "size":
      return "a size, such as 512MB or 4GB";
    case "url":
      return "a URL, as http://… or https://…";
    case "path":
      return "a path";
  }
}

/** In few characters, for a table: `cpu|cuda`, `integer 0..9`. */
export function shortType({ type, choices, min, max }: Declaration): string {
  if (choices !== undefined) return choices.join("|");
  return min === undefined && max === undefined ? type : `${type} ${min ?? ""}..${max ?? ""}`;
}

function limits({ min, max }: Declaration): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  return min === undefined ? (max === undefined ? "" : ` of ${max} at most`) : ` of ${min} at least`;
}

/** The words that people, and the programs in the containers, write for yes and no. */
const BOOLEAN = /^(?:1|0|true|false|yes|no|on|off)$/i;

function isAllowed(declaration: Declaration, value: string): boolean {
  const { type, choices } = declaration;
  if (choices !== undefined) return choices.includes(value);
  switch (type) {
    case "text":
      return true;
    case "integer":
      return /^-?\d+$/.test(value) && isWithin(declaration, Number(value));
    case "number":
      return /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/.test(value) && isWithin(declaration, Number(value));
    case "boolean":
      return BOOLEAN.test(value);
    case "port":
      return /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535;
    case "duration":
      return parseDuration(value) !== undefined;
    case "size":
      return parseSize(value) !== undefined;
    case "url":
      return /^https?:\/\/[^\s/]/i.test(value) && URL.canParse(value);
    case "path":
      return !/[\n\r]/.test(value);
  }
}

function isWithin({ min, max }: Declaration, value: number): boolean {
  return (min === undefined || value >= min) && (max === undefined || value <= max);
}
