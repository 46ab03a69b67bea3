/** The names of models and of stores, from the folders alone: for completion, which waits for no service. */
import { type Env, readValues } from "../config/read-values.ts";
import type { Workspace } from "../workspace/find-workspace.ts";
import { scanPlace } from "./_scan-place.ts";
import { readStores, type Store } from "./read-stores.ts";

export interface NameModelsOptions {
  workspace: Workspace;
  env: Env;
}

/** As `harbor models ls` shows them, each once. */
export function nameModels(options: NameModelsOptions): string[] {
  const places = storesOf(options).flatMap((store) => store.places);
  const names = places.flatMap((place) => scanPlace(place, () => undefined).map(({ name }) => name));
  return [...new Set(names)].sort();
}

export function nameStores(options: NameModelsOptions): string[] {
  return storesOf(options).map(({ name }) => name);
}

function storesOf({ workspace, env }: NameModelsOptions): Store[] {
  return readStores({ workspace, values: readValues({ workspace, env }), env }).stores;
}
