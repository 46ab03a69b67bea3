/** One step of going through a graph in waves. */

/** Those that nothing keeps waiting, and those that wait for these alone; each is done from then on. */
export function takeFree(keys: readonly string[], isFree: (key: string) => boolean, done: Set<string>): string[] {
  const taken: string[] = [];
  for (let found = true; found; ) {
    found = false;
    for (const key of keys) {
      if (done.has(key) || !isFree(key)) continue;
      done.add(key);
      taken.push(key);
      found = true;
    }
  }
  return taken;
}
