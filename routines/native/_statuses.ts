/** HTTP statuses as a contract names them: `200`, `200-299`, `200,204`. */

/** Ranges, both ends included; undefined where the text is no list of statuses. */
export function parseStatuses(text: string): { from: number; to: number }[] | undefined {
  const ranges: { from: number; to: number }[] = [];
  for (const part of text.split(",")) {
    const [, first, last = first] = /^ *([1-5]\d\d)(?:-([1-5]\d\d))? *$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first)) return undefined;
    ranges.push({ from: Number(first), to: Number(last) });
  }
  return ranges;
}
