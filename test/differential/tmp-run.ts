import { compareSet } from "./_compare-set.ts";
import { makeSet } from "./_make-set.ts";
import { findOracle } from "./_oracle.ts";

const [seed, from, to] = process.argv.slice(2).map(Number) as [number, number, number];
const plugin = findOracle()!;
const tally: Record<string, number> = {};
const reasons: Record<string, number> = {};
let next = from;
async function worker() {
  while (next < to) {
    const i = next++;
    const root = `/tmp/merge-h/sets/${seed}-${i}`;
    const set = makeSet(i, seed, root);
    const o = await compareSet(set, root, plugin, true);
    tally[o.verdict] = (tally[o.verdict] ?? 0) + 1;
    if (o.verdict === "different") console.log(root, set.name, "\n   ", o.detail.slice(0, 400));
    if (o.verdict === "refused") {
      const k = o.detail.replace(/\d+/g, "N").slice(0, 300);
      reasons[k] = (reasons[k] ?? 0) + 1;
    }
  }
}
const t = performance.now();
await Promise.all([worker(), worker(), worker()]);
console.log(tally, Math.round(performance.now() - t), "ms");
if (process.argv[5]) console.log(reasons);
