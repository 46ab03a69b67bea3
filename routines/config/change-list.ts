/** A value of the configuration that is a list, with `;` between its items: what is added and taken out, by item or place. */
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";

/** With those at the end that it has not yet. */
export function addItems(items: readonly string[], more: readonly string[]): string[] {
  return [...new Set([...items, ...more])];
}

/** By item, or by place from 0 as a listing shows it. Throws `unknown` for what is neither; `what` is what the list is of. */
export function removeItems(items: readonly string[], words: readonly string[], what: string): string[] {
  const gone = new Set(words.map((word) => placeOf(items, word, what)));
  return items.filter((_, place) => !gone.has(place));
}

function placeOf(items: readonly string[], word: string, what: string): number {
  const place = items.indexOf(word);
  if (place !== -1) return place;
  if (/^\d+$/.test(word) && Number(word) < items.length) return Number(word);
  const guess = nearest(word, items);
  const range = items.length === 0 ? "there are none" : `they are ${items.join(", ")}`;
  throw new HarborError(`Cannot take out "${word}": it is none of ${what}${guess === undefined ? "" : `; did you mean "${guess}"?`}`, {
    exit: "unknown",
    hint: `By name, or by its number from 0: ${range}`,
  });
}
