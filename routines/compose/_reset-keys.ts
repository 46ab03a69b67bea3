/** `!reset` and `!override`: what earlier files had at a place goes, before the file itself is merged. */
import { LISTED } from "./_merge-mixed.ts";
import { COMPOSE } from "./_merge-rules.ts";
import { type ComposeMap, isMap, type Merging, type RulePlace } from "./_merge-tree.ts";

/** Removes each place from the model; short spellings on the way are brought to their maps first. */
export function resetKeys(model: ComposeMap, places: readonly (readonly string[])[], merging: Merging): void {
  for (const place of places) removeAt(model, place, COMPOSE, merging);
}

function removeAt(owner: ComposeMap, path: readonly string[], place: RulePlace, merging: Merging): void {
  const [key = "", ...rest] = path;
  if (!Object.hasOwn(owner, key)) return;
  if (rest.length === 0) {
    delete owner[key];
    return;
  }
  const next = place.child(key);
  if (next.rule.canonical !== undefined) owner[key] = next.rule.canonical(owner[key], merging);
  const value = owner[key];
  if (isMap(value) && !LISTED.has(value)) removeAt(value, rest, next, merging);
}
