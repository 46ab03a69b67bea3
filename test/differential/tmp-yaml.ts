import { parseExactYaml } from "../../routines/_script/_exact-yaml.ts";
import { parsePlainYaml } from "../../routines/_script/_plain-yaml.ts";
import { handMadeSets } from "./_hand-made.ts";
import { makeSet } from "./_make-set.ts";
import { Random } from "./_random.ts";

const texts: string[] = [];
for (const s of handMadeSets({})) for (const f of s.files) texts.push(f.text);
for (let i = 0; i < 120; i++) for (const f of makeSet(i, 5, "/x").files) texts.push(f.text);
const r = new Random(Number(process.argv[2] ?? 1));
let plain = 0,
  agree = 0,
  bothErr = 0,
  n = Number(process.argv[3] ?? 20000),
  bad = 0;
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
];
for (let i = 0; i < n && bad < 15; i++) {
  let t = r.pick(texts);
  if (t.length > 1500) continue;
  const k = 1 + r.below(3);
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
  const p = parsePlainYaml(t);
  if (!p) continue;
  plain++;
  let e: any;
  try {
    e = parseExactYaml(t, "f");
  } catch (x) {
    bad++;
    console.log("PLAIN ACCEPTS", JSON.stringify(t.slice(0, 600)), "\n   ", (x as Error).message, JSON.stringify((x as any).at));
    continue;
  }
  if (e.length !== 1 || !Bun.deepEquals(e[0].value, p.value)) {
    bad++;
    console.log(
      "DIFFER",
      JSON.stringify(t.slice(0, 900)),
      "\n",
      JSON.stringify(e.map((d: any) => d.value)).slice(0, 500),
      "\n",
      JSON.stringify(p.value).slice(0, 500),
    );
  } else agree++;
}
console.log({ plain, agree, n, texts: texts.length, plainOfTexts: texts.filter((t) => parsePlainYaml(t)).length });
