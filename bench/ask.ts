/** What a person waits for at the keyboard: a press of the tab key, and a question. */
import { dirname, join } from "node:path";
import { emptyStart, type Figure, type FigureContext, ownHome } from "./_figure.ts";
import type { Sample } from "./_measure.ts";

function harbor(context: FigureContext, words: readonly string[]): Sample {
  const env = { ...ownHome(context), PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  return { label: `harbor ${words.join(" ")}`, command: [join(context.root, "bin/harbor"), ...words], cwd: context.scratch, env };
}

const tab = (name: string, ...words: string[]): Figure => ({
  name,
  title: `tab key after "harbor ${words.join(" ")}", built / bun -e 0`,
  limit: 3,
  runs: 40,
  prepare: async (context) => ({ subject: harbor(context, ["routine", "complete", "--", ...words]), floor: emptyStart }),
});

export const figures: Figure[] = [
  tab("tab-verbs", ""),
  tab("tab-handles", "up", "ol"),
  tab("tab-keys", "config", "get", "ollama."),
  {
    name: "how",
    title: "how to use the gpu, checkout / bun -e 0",
    // 200 ms and some, where an empty start takes 8
    limit: 25,
    runs: 20,
    prepare: async (context) => ({ subject: harbor(context, ["how", "to", "use", "the", "gpu"]), floor: emptyStart }),
  },
];
