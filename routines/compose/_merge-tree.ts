/**
 * The walk of a merge: maps key by key, lists one after the other, anything else replaced; wherever the table of
 * rules (`_merge-rules.ts`) has a rule for a place, by that. Works in place on the base, which the merge owns.
 */
import { HarborError } from "../_script/error.ts";
import { locateYaml, RawScalar, rawToNumber } from "../_script/yaml.ts";
import { interpolate, type Values } from "./interpolate.ts";

export type ComposeMap = Record<string, unknown>;

export interface Rule {
  /** Merges two values that are both given (either may be null); the default walk when left out. */
  merge?: (base: unknown, over: unknown, merging: Merging, place: RulePlace) => unknown;
  /** Turns a short spelling into the long one, as compose has done with a file before the next is laid on it. */
  canonical?: (value: unknown, merging: Merging) => unknown;
  /** Which items of a list are the same thing. */
  unique?: Unique;
  /** A list in which compose refuses what stands in it twice. */
  isDistinct?: true;
}

/** How compose tells the items of a list apart: by `key` as written, then by the key of each long form. */
export interface Unique {
  key: (item: unknown, merging: Merging) => string;
  slots?: (item: unknown, merging: Merging) => Slot[];
}

/** One thing in a list, as `item` spells it; a range of ports is several slots of one item. */
export interface Slot {
  key: string;
  item: unknown;
  part?: { index: number; count: number; long: unknown };
}

/** A place in the tree of rules; `*` stands for any key. */
export class RulePlace {
  private readonly children = new Map<string, RulePlace>();
  private any: RulePlace | undefined;
  rule: Rule = {};

  /** Builds the tree from path patterns such as `services.*.ports`. */
  static of(rules: Record<string, Rule>): RulePlace {
    const root = new RulePlace();
    for (const pattern of Object.keys(rules)) {
      let place = root;
      for (const part of pattern.split(".")) place = place.grow(part);
      place.rule = rules[pattern] as Rule;
    }
    return root;
  }

  child(key: string): RulePlace {
    return this.children.get(key) ?? this.any ?? NOWHERE;
  }

  private grow(part: string): RulePlace {
    const found = part === "*" ? this.any : this.children.get(part);
    if (found !== undefined) return found;
    const place = new RulePlace();
    if (part === "*") this.any = place;
    else this.children.set(part, place);
    return place;
  }
}

const NOWHERE = new RulePlace();

/** What is being merged: where we are in it, and from which file it comes. */
export class Merging {
  readonly path: string[] = [];

  constructor(
    readonly file: string,
    readonly values: Values,
    /** False while a service extends another of its own file: then neither has been brought to its long form. */
    readonly isBaseCanonical = true,
    readonly isOverCanonical = false,
  ) {}

  /** A scalar as compose sees it after interpolation, as text. */
  text(value: unknown): string {
    if (typeof value === "string") return interpolate(value, this.values);
    if (value instanceof RawScalar && value.kind === "int") return String(rawToNumber(value.text));
    if (typeof value === "number" || typeof value === "boolean" || value instanceof RawScalar) return String(value);
    return this.fail("its items are expected to be text");
  }

  /** Ends the merge with the file, the key path and its line. */
  fail(problem: string): never {
    throw shapeError(this.file, this.path, problem);
  }
}

/** An error that names file, key path and, where the file can be read, its line. */
export function shapeError(file: string, path: readonly string[], problem: string): HarborError {
  const place = placeIn(file, path);
  return new HarborError(`Cannot merge "${path.join(".")}": ${problem}`, { at: { file, ...place } });
}

/** Where a key stands in a file, as far as the file can be read. */
export function placeIn(file: string, path: readonly (string | number)[]): { line: number; column: number } | undefined {
  const { readFileSync } = require("node:fs") as typeof import("node:fs");
  try {
    return locateYaml(readFileSync(file, "utf8"), path);
  } catch {
    return undefined; // a generated fragment has no file
  }
}

export function isMap(value: unknown): value is ComposeMap {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof RawScalar);
}

/** Merges `over` onto `base` by the rule of this place. */
export function mergeTree(base: unknown, over: unknown, place: RulePlace, merging: Merging): unknown {
  const { rule } = place;
  const long = rule.canonical !== undefined && merging.isBaseCanonical ? rule.canonical(base, merging) : base;
  const other = rule.canonical !== undefined && merging.isOverCanonical ? rule.canonical(over, merging) : over;
  if (rule.merge !== undefined) return rule.merge(long, other, merging, place);
  if (other === null || other === undefined) return long;
  if (isMap(long))
    return isMap(other) ? mergeMaps(long, other, place, merging) : merging.fail("it has to be a map, as in the files before");
  if (!Array.isArray(long)) return other;
  if (!Array.isArray(other)) return merging.fail("it has to be a list, as in the files before");
  return joinLists(long, other, rule, merging);
}

/** Two lists as one: by what makes an item unique, else one after the other. */
export function joinLists(base: unknown[], over: unknown[], { unique, isDistinct }: Rule, merging: Merging): unknown[] {
  if (unique !== undefined) return uniteLists(base, over, unique, merging);
  const joined = base.concat(over);
  if (isDistinct && new Set(joined.map((item) => merging.text(item))).size < joined.length) merging.fail("its items have to differ");
  return joined;
}

/** Merges key by key; an `x-` key is replaced whole. */
export function mergeMaps(base: ComposeMap, over: ComposeMap, place: RulePlace, merging: Merging): ComposeMap {
  for (const key of Object.keys(over)) {
    if (!Object.hasOwn(base, key) || key.startsWith("x-")) {
      base[key] = over[key];
      continue;
    }
    merging.path.push(key);
    base[key] = mergeTree(base[key], over[key], place.child(key), merging);
    merging.path.pop();
  }
  return base;
}

/** Two lists as one, each thing at its first position with its last value. */
function uniteLists(base: unknown[], over: unknown[], unique: Unique, merging: Merging): unknown[] {
  const slotOf = (item: unknown): Slot => ({ key: unique.key(item, merging), item });
  const { slots } = unique;
  if (slots === undefined) return uniteSlots([...base, ...over].map(slotOf)).map((slot) => slot.item);
  const widen = (slot: Slot): Slot[] => (slot.part === undefined ? slots(slot.item, merging) : [slot]);
  const known = uniteSlots(uniteSlots(base.map(slotOf)).flatMap(widen));
  const both = uniteSlots([...known, ...over.map(slotOf)]);
  return emitSlots(uniteSlots(both.flatMap(widen)));
}

function uniteSlots(slots: readonly Slot[]): Slot[] {
  const positions = new Map<string, number>();
  const united: Slot[] = [];
  for (const slot of slots) {
    const position = positions.get(slot.key);
    if (position !== undefined) united[position] = slot;
    else {
      positions.set(slot.key, united.length);
      united.push(slot);
    }
  }
  return united;
}

/** A range that is still whole goes out as it was written, else each of its ports for itself. */
function emitSlots(slots: readonly Slot[]): unknown[] {
  const items: unknown[] = [];
  for (let at = 0; at < slots.length; at++) {
    const { item, part } = slots[at] as Slot;
    const isWhole =
      part?.index === 0 && slots.slice(at, at + part.count).every((slot, index) => slot.item === item && slot.part?.index === index);
    if (part === undefined || part.count === 1) items.push(item);
    else if (isWhole && at + part.count <= slots.length) {
      items.push(item);
      at += part.count - 1;
    } else items.push(part.long);
  }
  return items;
}
