/** A configuration key that is a `;` list, as verbs show and change it. */
import { type Place, readFileValues, warnOfEnvironment } from "./_configuration.ts";
import { emit } from "./_script/emit.ts";
import { table } from "./_script/table.ts";
import { writeValues } from "./config/write-values.ts";
import { note } from "./stack/say.ts";

export interface ListedItem {
  /** From 0, as `rm` takes it. */
  index: number;
  item: string;
}

export interface ChangeListOptions {
  place: Place;
  name: string;
  split: (list: string) => string[];
  /** Of what the list is as nobody else can change it meanwhile. */
  change: (items: readonly string[]) => string[];
}

export interface ChangedList {
  items: string[];
  isChanged: boolean;
  file: string;
}

/** Writes the whole list to `config.env`; what a flat workspace's own file has is taken over, or ruled out by an empty one. */
export async function changeList({ place, name, split, change }: ChangeListOptions): Promise<ChangedList> {
  const below = readFileValues(place.workspace).get(name) ?? "";
  let items: string[] = [];
  const { file, changed } = await writeValues({
    home: place.home,
    changes: (values) => {
      const before = split(values.get(name) ?? below);
      items = change(before);
      if (items.join(";") === before.join(";")) return new Map();
      const isOut = items.length === 0 && place.workspace.layout !== "flat";
      return new Map([[name, isOut ? undefined : items.join(";")]]);
    },
  });
  warnOfEnvironment(name, items.join(";"));
  return { items, isChanged: changed.length > 0, file };
}

export function emitList(items: readonly string[], { json, nothing }: { json: boolean; nothing: string }): void {
  const listed = items.map((item, index): ListedItem => ({ index, item }));
  if (listed.length === 0 && !json) note(nothing);
  emit(listed, { json, render: (them) => table(them.map((it) => [String(it.index), it.item])).join("\n") });
}
