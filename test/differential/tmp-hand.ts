import { VARIABLES } from "./_attributes.ts";
import { compareSet } from "./_compare-set.ts";
import { handMadeSets } from "./_hand-made.ts";
import { findOracle } from "./_oracle.ts";

const plugin = findOracle()!;
const tally: Record<string, number> = {};
let next = 0;
const sets = handMadeSets(VARIABLES);
async function worker() {
  while (next < sets.length) {
    const i = next++;
    const root = `/tmp/merge-h/hand/${i}`;
    const set = sets[i]!;
    const o = await compareSet(set, root, plugin, true);
    tally[o.verdict] = (tally[o.verdict] ?? 0) + 1;
    if (o.verdict === "different") console.log(root, set.name, "\n   ", o.detail.slice(0, 300));
    if (o.verdict === "refused" && process.argv[2]) console.log("  refused:", set.name, "=>", o.detail.slice(0, 200));
  }
}
await Promise.all([worker(), worker(), worker()]);
console.log(tally);
