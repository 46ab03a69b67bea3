import { VARIABLES } from "./_attributes.ts";
import { compareSet } from "./_compare-set.ts";
import { handMadeSets } from "./_hand-made.ts";
import { findOracle } from "./_oracle.ts";
import { Random } from "./_random.ts";

const plugin = findOracle()!;
const tally: Record<string, number> = {};
let next = 0;
const base = handMadeSets(VARIABLES);
const bits = [
  " ",
  "  ",
  "\n",
  ":",
  ": ",
  "- ",
  "#",
  " #",
  "'",
  '"',
  "[",
  "]",
  "{",
  "}",
  ",",
  "|\n",
  "a",
  "\n  ",
  "-",
  "?",
  "&a ",
  "*a",
  "!",
  "%",
  "0",
  "_",
  ".",
  "<<: ",
  "\\",
  "~",
  "null",
  "--- ",
  "\n---\n",
  "|-",
  ">",
  "é",
  "$",
  "${",
  "}",
  "\t",
  "!reset ",
  "!override ",
];
const seed = Number(process.argv[2]);
const r = new Random(seed);
const n = Number(process.argv[3]);
const jobs = Array.from({ length: n }, () => {
  const s = structuredClone(r.pick(base));
  const f = r.pick(s.files);
  let t = f.text;
  const k = 1 + r.below(2);
  for (let j = 0; j < k; j++) {
    const at = r.below(t.length + 1);
    const m = r.below(3);
    t =
      m === 0
        ? t.slice(0, at) + r.pick(bits) + t.slice(at)
        : m === 1
          ? t.slice(0, at) + t.slice(at + 1 + r.below(3))
          : t.slice(0, at) + r.pick(bits) + t.slice(at + 1);
  }
  f.text = t;
  return s;
});
async function worker() {
  while (next < n) {
    const i = next++;
    const root = `/tmp/merge-h/fuzz/${seed}-${i}`;
    const set = jobs[i]!;
    const o = await compareSet(set, root, plugin, true);
    tally[o.verdict] = (tally[o.verdict] ?? 0) + 1;
    if (o.verdict === "different") console.log(root, set.name, "\n   ", o.detail.slice(0, 260).replaceAll("\n", " "));
  }
}
await Promise.all([worker(), worker()]);
console.log(tally);
