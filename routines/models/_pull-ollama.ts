/** A model of Ollama's registry, fetched by the Ollama that runs: it resumes and checks by itself; what is shown and what is said when it cannot is ours. */
import { HarborError } from "../_script/error.ts";
import { formatSize } from "../_script/size.ts";
import { freeBytes } from "./_free-bytes.ts";
import { OllamaClient, type PullLine } from "./_ollama-client.ts";
import type { RunningService } from "./_running-services.ts";
import type { Store } from "./read-stores.ts";
import type { ModelProgress } from "./show-progress.ts";

export interface PullOllamaOptions {
  name: string;
  store: Store;
  running: ReadonlyMap<string, RunningService>;
  onProgress?: ((progress: ModelProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface PulledByOllama {
  name: string;
  bytes: number;
  wasPresent: boolean;
}

/** Throws `missing` where Ollama does not run, `failed` where there is no space for it, and as `OllamaClient.pull`. */
export async function pullOllama({ name, store, running, onProgress, signal }: PullOllamaOptions): Promise<PulledByOllama> {
  const client = await reach(name, store, running);
  const layers = new Layers(name, store);
  for await (const line of client.pull(name, signal)) {
    const progress = layers.take(line);
    if (progress !== undefined) onProgress?.(progress);
  }
  const models = (await client.list()) ?? [];
  const lower = name.toLowerCase();
  const found = models.find((model) => [lower, `${lower}:latest`].includes(model.name.toLowerCase()));
  return { name: found?.name ?? name, bytes: found?.bytes ?? layers.total, wasPresent: !layers.hasReceived };
}

async function reach(name: string, store: Store, running: ReadonlyMap<string, RunningService>): Promise<OllamaClient> {
  const service = running.get(store.service ?? "");
  const client = service === undefined ? undefined : new OllamaClient(service.url);
  // one that sleeps is woken by this
  if (client !== undefined && (await client.list()) !== undefined) return client;
  const other = /^(?:hf\.co|huggingface\.co)\//.test(name) ? "; or fetch it for another service: --store llamacpp" : "";
  throw new HarborError(`Cannot fetch model "${name}": ${store.name} does not run, and its models are fetched by itself`, {
    exit: "missing",
    hint: `Start it: harbor up ${store.name}${other}`,
  });
}

/** What the lines say of the layers so far. They come one after the other, so that how many there are is only known in the end. */
class Layers {
  readonly #name: string;
  readonly #store: Store;
  readonly #layers = new Map<string, { total: number; completed: number }>();
  hasReceived = false;

  constructor(name: string, store: Store) {
    this.#name = name;
    this.#store = store;
  }

  get total(): number {
    return [...this.#layers.values()].reduce((sum, { total }) => sum + total, 0);
  }

  /** Undefined for a line that is of no layer. Throws `failed` where there is no space for one that begins. */
  take({ digest, total, completed = 0 }: PullLine): ModelProgress | undefined {
    if (digest === undefined || total === undefined) return undefined;
    if (!this.#layers.has(digest)) this.#checkSpace(total - completed);
    this.hasReceived ||= completed < total;
    this.#layers.set(digest, { total, completed });
    const received = [...this.#layers.values()].reduce((sum, layer) => sum + layer.completed, 0);
    const fileIndex = [...this.#layers.keys()].indexOf(digest);
    return { file: digest.replace(/^sha256:/, "").slice(0, 12), fileIndex, files: this.#layers.size, received, total: this.total };
  }

  #checkSpace(needed: number): void {
    const folder = this.#store.places[0]?.folder;
    const free = folder === undefined ? undefined : freeBytes(folder);
    if (folder === undefined || free === undefined || needed <= free) return;
    throw new HarborError(`Cannot fetch model "${this.#name}": no space: ${formatSize(needed - free)} more would have to be free`, {
      details: [`Needed: ${formatSize(needed)}`, `Free: ${formatSize(free)} in ${folder}`],
      hint: "`harbor models ls --sort size` shows what takes it",
    });
  }
}
