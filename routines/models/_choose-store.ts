/** Which service a model of the hub is for: by what each says that it takes, and by what the hub says that the model is. */
import { HarborError } from "../_script/error.ts";
import type { HubClient } from "./_hub-client.ts";
import type { Layout, Store, StorePlace } from "./read-stores.ts";

/** The words that a store's `takes` may have, that the model has: its formats first, then what it is for. */
export async function askKinds(hub: HubClient): Promise<string[]> {
  const {
    tags,
    pipeline_tag: task,
    library_name: library,
  } = ((await hub.ask(hub.url("api/models", hub.repo))) ?? {}) as Record<string, unknown>;
  const words = [...(Array.isArray(tags) ? tags : []), library].filter((word) => typeof word === "string");
  // many a repository of GGUF files says what the model is for, too: what it consists of decides
  if (words.includes("gguf")) return ["gguf"];
  return typeof task === "string" ? [task] : [];
}

/** The one store that takes it. Throws `usage` where none or several do. */
export function chooseStore(stores: readonly Store[], kinds: readonly string[], model: string): Store {
  const services = stores.filter(({ service }) => service !== undefined);
  const found = services.filter(({ takes }) => kinds.some((kind) => takes.includes(kind)));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const is = kinds.length === 0 ? "the hub does not say what it is for" : `it is for ${kinds.join(", ")}`;
  const names = (found.length === 0 ? services : found).map(({ name }) => name);
  throw new HarborError(`Cannot tell which service "${model}" is for: ${is}`, {
    exit: "usage",
    hint: `Say it with --store: ${names.join(", ")}`,
  });
}

/** Where in a store a model of that layout belongs; undefined where it has no such folder. */
export function placeIn(store: Store, layout: Layout): StorePlace | undefined {
  return store.places.find((place) => place.layout === layout);
}
