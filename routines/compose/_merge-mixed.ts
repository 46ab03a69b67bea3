/**
 * Attributes that come as a list or as a map (environment, labels, extra_hosts, depends_on, …): how the two
 * spellings meet. Two maps stay a map, anything else becomes the list that compose makes of it.
 */
import { RawScalar, rawToNumber } from "../_script/yaml.ts";
import { type ComposeMap, isMap, joinLists, type Merging, mergeMaps, type Rule, type RulePlace } from "./_merge-tree.ts";
import { escapeDollars } from "./interpolate.ts";

/** Maps that are lists by now in compose's model, where `!reset` of a key finds nothing. */
export const LISTED = new WeakSet<object>();

/** environment, labels and their like; a single text counts as a list of one. */
export function mergeSequence(base: unknown, over: unknown, merging: Merging, place: RulePlace): unknown {
  const join = (): unknown[] => joinLists(toSequence(base, merging), toSequence(over, merging), place.rule, merging);
  if (!(isMap(base) && isMap(over) && isPlainPairs(base) && isPlainPairs(over))) return join();
  if (place.rule.isDistinct) join();
  LISTED.add(base);
  return Object.assign(base, over);
}

/** extra_hosts: appended, what is spelled the same only once. */
export function mergeHosts(base: unknown, over: unknown, merging: Merging): unknown {
  const left = toSequence(base, merging);
  const known = new Set(left.map((item) => merging.text(item)));
  return left.concat(toSequence(over, merging).filter((item) => !known.has(merging.text(item))));
}

/** depends_on: a list resets the condition of what it names. */
export function mergeDependencies(base: unknown, over: unknown, merging: Merging, place: RulePlace): unknown {
  const defaults = (): ComposeMap => ({ condition: "service_started", required: true });
  return mergeMaps(toMap(base, merging, defaults), toMap(over, merging, defaults), place, merging);
}

/** A service's networks: a list names them and leaves aliases and addresses as they are. */
export function mergeNetworks(base: unknown, over: unknown, merging: Merging, place: RulePlace): unknown {
  return mergeMaps(
    toMap(base, merging, () => null),
    toMap(over, merging, () => null),
    place,
    merging,
  );
}

/** The key of `KEY=value`. */
export function keyOfPair(item: unknown, merging: Merging): string {
  if (typeof item !== "string") return merging.fail("its items have to be text");
  const text = item.includes("$") ? merging.text(item) : item;
  const equals = text.indexOf("=");
  return equals === -1 ? text : text.slice(0, equals);
}

export const sequence: Rule = { merge: mergeSequence };
export const keyedSequence: Rule = { merge: mergeSequence, unique: { key: keyOfPair } };
export const keyedList: Rule = { unique: { key: keyOfPair } };

/** True where a map means the same as its list of `k=v`: no key with `=` in it, no value but text, numbers and booleans. */
function isPlainPairs(map: ComposeMap): boolean {
  for (const key of Object.keys(map)) {
    const value = map[key];
    const isPlain = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (!isPlain && !(value instanceof RawScalar)) return false;
    if (key.includes("=")) return false;
  }
  return true;
}

/** A list of `k=v`, sorted where it was a map, as compose sorts it. */
export function toSequence(value: unknown, merging: Merging): unknown[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  if (typeof value === "string") return [value];
  if (!isMap(value)) return merging.fail("it has to be a list or a map");
  const pairs: string[] = [];
  for (const key of Object.keys(value)) {
    const name = escapeDollars(key);
    const entry = value[key];
    if (entry === null) pairs.push(name);
    else if (Array.isArray(entry)) for (const item of entry) pairs.push(`${name}=${goText(item, merging)}`);
    else pairs.push(`${name}=${goText(entry, merging)}`);
  }
  return sortAsBytes(pairs, merging);
}

function sortAsBytes(pairs: string[], merging: Merging): string[] {
  const sorted = pairs.map((pair) => ({ pair, bytes: Buffer.from(merging.text(pair)) }));
  return sorted.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map((entry) => entry.pair);
}

export function toMap(value: unknown, merging: Merging, make: () => unknown): ComposeMap {
  if (value === null || value === undefined) return {};
  if (isMap(value)) return value;
  if (!Array.isArray(value)) return merging.fail("it has to be a list or a map");
  const map: ComposeMap = {};
  for (const item of value) {
    if (typeof item !== "string") return merging.fail("its items have to be text");
    map[merging.text(item)] = make();
  }
  return map;
}

/** A scalar as Go prints it with `%v`. */
function goText(value: unknown, merging: Merging): string {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : goFloat(value);
  if (value === null) return "<nil>";
  if (value instanceof RawScalar && value.kind === "int") return String(rawToNumber(value.text));
  if (value instanceof RawScalar && value.kind === "float") return goFloat(Number(rawToNumber(value.text)));
  const date = value instanceof RawScalar ? goDate(value.text) : undefined;
  return date ?? merging.fail("put this value in quotes");
}

/** Go writes an exponent from a million on, and below a ten-thousandth. */
function goFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa = "", power = ""] = value.toExponential().split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function goDate(text: string): string | undefined {
  const parts = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  if (parts === null) return undefined;
  const [, year, month = "", day = ""] = parts;
  return `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")} 00:00:00 +0000 UTC`;
}
