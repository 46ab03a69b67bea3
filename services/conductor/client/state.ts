/** Shared state, in the name of whoever asks. */
import type { Asker } from "./asker.ts";
import { ConductorClientError } from "./http.ts";
import { follow, type Subscription } from "./stream.ts";

export interface Entry<T = unknown> {
  readonly key: string;
  readonly value: T;
  readonly version: number;
}

/** `entry` is null where the key is gone. */
export type Change<T = unknown> = { readonly key: string; readonly entry: Entry<T> | null };

export interface PutOptions {
  /** Only where it is still that version; 0: only where there is none. Otherwise it throws `version_mismatch`. */
  readonly ifVersion?: number;
  readonly ttlSeconds?: number;
}

export class ClientState {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  async get<T = unknown>(key: string): Promise<Entry<T> | undefined> {
    return this.#unlessUnknown(() => this.#asker.json<Entry<T>>({ method: "GET", path: pathOf(key) }));
  }

  put<T>(key: string, value: T, { ifVersion, ttlSeconds }: PutOptions = {}): Promise<Entry<T>> {
    const body = { value, ttl_seconds: ttlSeconds };
    return this.#asker.json<Entry<T>>({ method: "PUT", path: pathOf(key), body, headers: condition(ifVersion) });
  }

  /** False where there was none. */
  async delete(key: string, { ifVersion }: Pick<PutOptions, "ifVersion"> = {}): Promise<boolean> {
    const deleted = await this.#unlessUnknown(() =>
      this.#asker.ask({ method: "DELETE", path: pathOf(key), headers: condition(ifVersion) }),
    );
    return deleted !== undefined;
  }

  async list<T = unknown>(prefix = "", { limit = 100, after }: { limit?: number; after?: string } = {}): Promise<Entry<T>[]> {
    const query = new URLSearchParams({ prefix, limit: String(limit), ...(after === undefined ? {} : { after }) });
    return (await this.#asker.json<{ entries: Entry<T>[] }>({ method: "GET", path: `/state?${query}` })).entries;
  }

  /** What is there, then each change; after a break only what became different meanwhile. */
  watch<T = unknown>(prefix: string, onChange: (change: Change<T>) => void): Subscription {
    const versions = new Map<string, number>();
    let unseen = new Set<string>();
    const path = `/state?${new URLSearchParams({ prefix, watch: "true" })}`;
    const remove = (key: string): void => {
      unseen.delete(key);
      if (versions.delete(key)) onChange({ key, entry: null });
    };
    return follow({
      open: (_, signal) => {
        unseen = new Set(versions.keys());
        return this.#asker.ask({ method: "GET", path, signal });
      },
      onEvent: ({ event, data }) => {
        if (event === "delete") return remove((data as Entry).key);
        if (event === "synced") for (const key of [...unseen]) remove(key);
        if (event !== "put") return;
        const entry = data as Entry<T>;
        unseen.delete(entry.key);
        if (versions.get(entry.key) === entry.version) return;
        versions.set(entry.key, entry.version);
        onChange({ key: entry.key, entry });
      },
      onProblem: (error) => this.#asker.report(error),
      signal: this.#asker.signal,
    });
  }

  async #unlessUnknown<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ConductorClientError && error.code === "unknown_key") return undefined;
      throw error;
    }
  }
}

function pathOf(key: string): string {
  return `/state/${key.split("/").map(encodeURIComponent).join("/")}`;
}

function condition(ifVersion: number | undefined): Record<string, string> {
  if (ifVersion === undefined) return {};
  return ifVersion === 0 ? { "if-none-match": "*" } : { "if-match": `"${ifVersion}"` };
}
