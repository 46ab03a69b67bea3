/** Typed fields out of a parsed mapping; what is wrong is collected with its key path, never thrown, so that one run tells all. */
import { nearest } from "../_script/nearest.ts";
import { RawScalar } from "../_script/yaml.ts";
import type { Rule } from "./_rules.ts";

export type KeyPath = readonly (string | number)[];

export interface Problem {
  path: KeyPath;
  text: string;
}

export type Mapping = Record<string, unknown>;

/** A plain mapping, as opposed to a list, a scalar or nothing. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value) && scalarText(value) === undefined;
}

/** The text of a scalar as written; undefined for what is none. A number keeps how it was written (`1.10`) where the parser kept it. */
function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  return value instanceof RawScalar ? value.text : undefined;
}

/** Text that is only known once `${…}` in it is filled in; a `$` before anything but a name is plain text. */
function isOpen(text: string): boolean {
  return /\$[{A-Za-z_]/.test(text.replaceAll("$$", ""));
}

/** Reads the fields of one mapping. */
export class Fields {
  readonly #mapping: Mapping;
  readonly #path: KeyPath;
  readonly #problems: Problem[];

  constructor(mapping: Mapping, path: KeyPath, problems: Problem[]) {
    this.#mapping = mapping;
    this.#path = path;
    this.#problems = problems;
  }

  has(key: string): boolean {
    return this.#mapping[key] !== undefined && this.#mapping[key] !== null;
  }

  problem(key: string | undefined, text: string): undefined {
    this.#problems.push({ path: key === undefined ? this.#path : [...this.#path, key], text });
    return undefined;
  }

  /** Each key that is not among `known` is a problem. */
  allow(known: readonly string[]): void {
    for (const key of Object.keys(this.#mapping)) {
      if (known.includes(key) || key.startsWith("x-")) continue;
      const guess = nearest(key, known);
      this.problem(key, `unknown key "${key}"${guess === undefined ? `; known are ${known.join(", ")}` : `; did you mean "${guess}"?`}`);
    }
  }

  /** Text that is not empty. */
  text(key: string): string | undefined {
    if (!this.has(key)) return undefined;
    const text = scalarText(this.#mapping[key]);
    return text === undefined || text.trim() === "" ? this.problem(key, `"${key}" must be a text that is not empty`) : text;
  }

  /** Text that is right by a rule, or that is still open. */
  checked(key: string, rule: Rule): string | undefined {
    const text = this.text(key);
    if (text === undefined || isOpen(text)) return text;
    const wrong = rule(text.replaceAll("$$", "$"));
    return wrong === undefined ? text : this.problem(key, `"${key}" ${wrong}`);
  }

  flag(key: string): boolean {
    const value = this.#mapping[key] ?? false;
    if (typeof value === "boolean") return value;
    this.problem(key, `"${key}" must be true or false`);
    return false;
  }

  /** The words of a list as they are; a text is handed back whole, to be split once it is filled in. */
  words(key: string): string[] | string | undefined {
    const value = this.#mapping[key];
    if (!Array.isArray(value)) return this.text(key);
    return this.#texts(key, value);
  }

  /** The texts of a list. */
  list(key: string): string[] | undefined {
    const value = this.#mapping[key];
    return Array.isArray(value) ? this.#texts(key, value) : this.problem(key, `"${key}" must be a list`);
  }

  /** A list of names of variables; a single one may stand alone. */
  names(key: string): string[] {
    const value = this.#mapping[key] ?? [];
    const names = this.#texts(key, Array.isArray(value) ? value : [value]) ?? [];
    for (const name of names) this.#checkName(key, name);
    return names;
  }

  /** Variables with their values, as a map or as a list of `NAME=value`; those without a value are named apart. */
  variables(key: string): { values: Record<string, string>; bare: string[] } {
    const result = { values: {} as Record<string, string>, bare: [] as string[] };
    const value = this.#mapping[key] ?? {};
    const pairs = Array.isArray(value) ? this.#pairs(key, value) : isMapping(value) ? Object.entries(value) : undefined;
    if (pairs === undefined) this.problem(key, `"${key}" must be a map of variables to values`);
    for (const [name, each] of pairs ?? []) {
      this.#checkName(key, name);
      const text = scalarText(each);
      if (text !== undefined) result.values[name] = text;
      else if (each === null) result.bare.push(name);
      else this.problem(key, `"${name}" in "${key}" must be a text`);
    }
    return result;
  }

  /** The fields of a mapping one level down; undefined where there is none. */
  section(key: string): Fields | undefined {
    if (!this.has(key)) return undefined;
    const value = this.#mapping[key];
    return isMapping(value) ? new Fields(value, [...this.#path, key], this.#problems) : this.problem(key, `"${key}" must be a map`);
  }

  isMap(key: string): boolean {
    return isMapping(this.#mapping[key]);
  }

  keys(): string[] {
    return Object.keys(this.#mapping);
  }

  isText(key: string): boolean {
    return scalarText(this.#mapping[key]) !== undefined;
  }

  #checkName(key: string, name: string): void {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) this.problem(key, `"${name}" in "${key}" is no name of a variable`);
  }

  #pairs(key: string, list: readonly unknown[]): [string, string | null][] {
    return (this.#texts(key, list) ?? []).map((text) => {
      const cut = text.indexOf("=");
      return cut === -1 ? [text, null] : [text.slice(0, cut), text.slice(cut + 1)];
    });
  }

  #texts(key: string, list: readonly unknown[]): string[] | undefined {
    const texts = list.map(scalarText);
    const wrong = texts.indexOf(undefined);
    if (wrong !== -1) return this.problem(key, `item ${wrong + 1} of "${key}" must be a text`);
    return texts.filter((text) => text !== undefined);
  }
}
