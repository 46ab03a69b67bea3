/** Key → one or several values. Most keys of a large registry have one, for which a set would cost more than the value. */

export class MultiMap<V extends object> {
  readonly #values = new Map<string, V | Set<V>>();

  add(key: string, value: V): void {
    const found = this.#values.get(key);
    if (found === undefined) this.#values.set(key, value);
    else if (found instanceof Set) found.add(value);
    else if (found !== value) this.#values.set(key, new Set([found, value]));
  }

  delete(key: string, value: V): void {
    const found = this.#values.get(key);
    if (found === value) this.#values.delete(key);
    if (!(found instanceof Set)) return;
    found.delete(value);
    if (found.size === 0) this.#values.delete(key);
  }

  get(key: string): readonly V[] {
    const found = this.#values.get(key);
    if (found === undefined) return [];
    return found instanceof Set ? [...found] : [found];
  }

  count(key: string): number {
    const found = this.#values.get(key);
    return found === undefined ? 0 : found instanceof Set ? found.size : 1;
  }
}
