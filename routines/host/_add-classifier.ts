/** A list of classifiers that names minors of Python but not one of them → the edits that add it, written as its neighbours are. */
import type { TomlElement } from "./_pyproject-toml.ts";

/** `text` in place of what stands from `start` to `end`. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

const MINOR = /^Programming Language :: Python :: 3\.(\d+)$/;

export function classifierOf(minor: number): string {
  return `Programming Language :: Python :: 3.${minor}`;
}

interface Named extends TomlElement {
  minor: number;
}

/** None where the list names no minor, or this one. */
export function addClassifier(text: string, elements: readonly TomlElement[], minor: number): Edit[] {
  const named = elements.flatMap((element): Named[] => {
    const found = MINOR.exec(element.string ?? "");
    return found === null ? [] : [{ ...element, minor: Number(found[1]) }];
  });
  const [first] = named;
  if (first === undefined || named.some((it) => it.minor === minor)) return [];
  const before = findNeighbour(named, minor);
  return before === undefined ? addBefore(text, first, minor) : addAfter(text, before, minor);
}

/** The one that it comes after, in the list's own order; undefined where it comes before all. */
function findNeighbour(named: readonly Named[], minor: number): Named | undefined {
  const isFalling = named.length > 1 && named.every((it, index) => index === 0 || it.minor < (named[index - 1]?.minor ?? 0));
  const isRising = named.every((it, index) => index === 0 || it.minor > (named[index - 1]?.minor ?? 0));
  if (!isFalling && !isRising) return named.at(-1);
  return named.findLast((it) => (isFalling ? it.minor > minor : it.minor < minor));
}

/** On a line of its own where the neighbour has one. */
function addAfter(text: string, neighbour: Named, minor: number): Edit[] {
  const raw = writeLike(text, neighbour, minor);
  const indent = indentOf(text, neighbour);
  const edge = neighbour.commaEnd ?? neighbour.end;
  const rest = /^[ \t]*(?:#[^\r\n]*)?(\r?\n)/.exec(text.slice(edge));
  const hasOwnLine = indent !== undefined && rest !== null && !text.slice(neighbour.end, edge).includes("\n");
  if (!hasOwnLine) return [{ start: neighbour.end, end: neighbour.end, text: `,${gapOf(text, neighbour)}${raw}` }];
  const next = edge + rest[0].length;
  if (neighbour.commaEnd !== undefined) return [{ start: next, end: next, text: `${indent}${raw},${rest[1]}` }];
  const comma = { start: neighbour.end, end: neighbour.end, text: "," };
  return [comma, { start: next, end: next, text: `${indent}${raw}${rest[1]}` }];
}

function addBefore(text: string, neighbour: Named, minor: number): Edit[] {
  const raw = writeLike(text, neighbour, minor);
  const indent = indentOf(text, neighbour);
  const start = neighbour.start;
  const end = /^[^\n]*?(\r?\n)/.exec(text.slice(neighbour.end))?.[1] ?? "\n";
  const between = indent === undefined ? gapOf(text, neighbour) : `${end}${indent}`;
  return [{ start, end: start, text: `${raw},${between}` }];
}

/** What stands before it on its line; undefined where that is more than spaces. */
function indentOf(text: string, { start }: TomlElement): string | undefined {
  const line = text.slice(text.lastIndexOf("\n", start - 1) + 1, start);
  return /^[ \t]*$/.test(line) ? line : undefined;
}

/** Between two on one line: a space, unless the list does without. */
function gapOf(text: string, { commaEnd }: TomlElement): string {
  return commaEnd === undefined || /[\s#\]]/.test(text[commaEnd] ?? "]") ? " " : "";
}

function writeLike(text: string, { start, end, minor: own }: Named, minor: number): string {
  const raw = text.slice(start, end);
  return raw.includes(classifierOf(own)) ? raw.replace(classifierOf(own), classifierOf(minor)) : JSON.stringify(classifierOf(minor));
}
