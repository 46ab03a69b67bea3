/** A name as a person types it → the one model that it means, of all that there are. */
import { HarborError } from "../_script/error.ts";
import { nearest } from "../_script/nearest.ts";
import { formatSize } from "../_script/size.ts";
import type { KnownModel } from "./list-models.ts";
import { findStore, type Store } from "./read-stores.ts";

export interface FindKnownOptions {
  models: readonly KnownModel[];
  stores: readonly Store[];
  /** `--store`. */
  store?: string | undefined;
  /** What is to be done with it, for messages: `remove`, `find`. */
  doing: string;
}

/**
 * Its whole name; else the name without `:latest` or a tag, without its owner, or a file's without its folder; case does not count. A
 * service's model goes before the same one in a cache of the user's. Throws `unknown` with the nearest, `usage` with the candidates.
 */
export function findKnown(name: string, { models, stores, store, doing }: FindKnownOptions): KnownModel {
  const wanted = store === undefined ? undefined : findStore(store, stores).name;
  const within = wanted === undefined ? models : models.filter(({ listed }) => listed.store === wanted);
  for (const matches of RULES) {
    const found = within.filter(({ listed }) => matches(listed.name.toLowerCase(), name.toLowerCase()));
    const services = found.filter(({ listed }) => listed.service !== null);
    const [first, ...others] = services.length > 0 ? services : found;
    if (first !== undefined && others.length === 0) return first;
    if (first !== undefined) throw ambiguous(name, [first, ...others], doing);
  }
  const guess = guessName(
    name,
    within.map(({ listed }) => listed.name),
  );
  throw new HarborError(
    `Cannot ${doing} model "${name}": there is no such model${guess === undefined ? "" : `; did you mean "${guess}"?`}`,
    {
      exit: "unknown",
      hint:
        wanted === undefined ? "`harbor models ls` lists those there are" : `\`harbor models ls --store ${wanted}\` lists those there are`,
    },
  );
}

/** Each tried for all models before the next. */
const RULES: readonly ((known: string, typed: string) => boolean)[] = [
  (known, typed) => known === typed,
  (known, typed) => known === `${typed}:latest`,
  (known, typed) => withoutEnding(known) === withoutEnding(typed),
  (known, typed) => known.replace(/:[^:/]*$/, "") === typed,
  (known, typed) => known.endsWith(`/${typed}`),
  (known, typed) => withoutEnding(known.replace(/:[^:/]*$/, "")).endsWith(`/${withoutEnding(typed)}`),
];

/** By a slip of the keyboard, with or without the tag; else one that has it in its name. */
function guessName(name: string, names: readonly string[]): string | undefined {
  const spellings = new Map(names.flatMap((it) => [[it.replace(/:[^:/]*$/, ""), it] as const, [it, it] as const]));
  const guess = nearest(name, spellings.keys());
  return guess === undefined ? names.find((it) => it.toLowerCase().includes(name.toLowerCase())) : spellings.get(guess);
}

function withoutEnding(name: string): string {
  return name.replace(/\.(?:gguf|safetensors)$/, "");
}

function ambiguous(name: string, found: readonly KnownModel[], doing: string): HarborError {
  const isInSeveral = new Set(found.map(({ listed }) => listed.name)).size === 1;
  return new HarborError(`Cannot ${doing} model "${name}": ${found.length} are called so`, {
    exit: "usage",
    details: found.map(({ listed }) => `${listed.name} in ${listed.store}, ${formatSize(listed.bytes)}`),
    hint: isInSeveral ? "Say which with --store" : "Write its whole name",
  });
}
