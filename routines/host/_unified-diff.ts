/** Two texts → the unified diff between them, as `patch -p1` and `git apply` take it; empty where they are the same. */

const CONTEXT = 3;

interface Line {
  kind: " " | "-" | "+";
  /** With its line end. */
  text: string;
}

/** `file` is the path shown; what stands at its root is named from there. */
export function unifiedDiff(file: string, before: string, after: string): string {
  if (before === after) return "";
  const lines = compareLines(splitLines(before), splitLines(after));
  const shown = file.replace(/^\/+/, "");
  const end = /\s/.test(shown) ? "\t\n" : "\n"; // a tab ends a name that has spaces
  return `--- a/${shown}${end}+++ b/${shown}${end}${findHunks(lines)
    .map(([from, to]) => formatHunk(lines, from, to))
    .join("")}`;
}

function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** Myers' greedy algorithm: time grows with the number of differences, which are few. */
function compareLines(before: readonly string[], after: readonly string[]): Line[] {
  const trace: Map<number, number>[] = [];
  let reach = new Map([[1, 0]]);
  for (let edits = 0; ; edits++) {
    trace.push(reach);
    const next = new Map(reach);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = startOn(reach, diagonal, edits);
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x++;
      next.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return walkBack(trace, before, after);
    }
    reach = next;
  }
}

/** The line of `before` from which a path of one edit more starts on a diagonal. */
function startOn(reach: ReadonlyMap<number, number>, diagonal: number, edits: number): number {
  const left = reach.get(diagonal - 1) ?? -1;
  const right = reach.get(diagonal + 1) ?? -1;
  return diagonal === -edits || (diagonal !== edits && left < right) ? right : left + 1;
}

function walkBack(trace: readonly Map<number, number>[], before: readonly string[], after: readonly string[]): Line[] {
  const lines: Line[] = [];
  let [x, y] = [before.length, after.length];
  for (let edits = trace.length - 1; edits >= 0; edits--) {
    const reach = trace[edits] as Map<number, number>;
    const start = startOn(reach, x - y, edits);
    const startY = start - (x - y);
    while (x > start && y > startY) {
      lines.push({ kind: " ", text: before[--x] ?? "" });
      y--;
    }
    if (edits === 0) break;
    const isInsertion = (reach.get(x - y + 1) ?? -1) === start;
    if (isInsertion) lines.push({ kind: "+", text: after[--y] ?? "" });
    else lines.push({ kind: "-", text: before[--x] ?? "" });
  }
  return lines.reverse();
}

/** Where each begins and ends in the lines: the changes, and what is around them. */
function findHunks(lines: readonly Line[]): [number, number][] {
  const hunks: [number, number][] = [];
  for (const [index, { kind }] of lines.entries()) {
    if (kind === " ") continue;
    const last = hunks.at(-1);
    const to = Math.min(index + 1 + CONTEXT, lines.length);
    if (last !== undefined && index - CONTEXT <= last[1]) last[1] = to;
    else hunks.push([Math.max(0, index - CONTEXT), to]);
  }
  return hunks;
}

function formatHunk(lines: readonly Line[], from: number, to: number): string {
  const range = (without: "-" | "+"): string => {
    const start = lines.slice(0, from).filter(({ kind }) => kind !== without).length;
    const count = lines.slice(from, to).filter(({ kind }) => kind !== without).length;
    return `${count === 0 ? start : start + 1},${count}`;
  };
  const body = lines
    .slice(from, to)
    .map(({ kind, text }) => `${kind}${text}${text.endsWith("\n") ? "" : "\n\\ No newline at end of file\n"}`);
  return `@@ -${range("+")} +${range("-")} @@\n${body.join("")}`;
}
