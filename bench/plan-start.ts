/** `harbor plan` end to end against the shortest start of bun: from a checkout, as a package, on a large flat workspace. */
import { dirname, join } from "node:path";
import { emptyStart, type Figure, type FigureContext, ownHome } from "./_figure.ts";
import type { Sample } from "./_measure.ts";
import { makeFlatWorkspace } from "./make-flat-workspace.ts";
import { unpackPackage } from "./unpack-package.ts";

/** Through the launcher, in a folder of nobody's. */
function plan(context: FigureContext, root: string, words: readonly string[]): Sample {
  const env = { ...ownHome(context), PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  return { label: "harbor plan", command: [join(root, "bin/harbor"), "plan", ...words], cwd: context.scratch, env };
}

export const figures: Figure[] = [
  {
    name: "plan-checkout",
    title: "plan -x ollama webui, checkout / bun -e 0",
    limit: 4,
    runs: 40,
    prepare: async (context) => ({ subject: plan(context, context.root, ["-x", "ollama", "webui"]), floor: emptyStart }),
  },
  {
    name: "plan-package",
    title: "plan -x ollama webui, built package / bun -e 0",
    limit: 2.5,
    runs: 40,
    prepare: async (context) => ({ subject: plan(context, unpackPackage(context), ["-x", "ollama", "webui"]), floor: emptyStart }),
  },
  {
    name: "plan-flat",
    title: "plan ollama webui, flat workspace of 660 files / bun -e 0",
    limit: 6,
    runs: 40,
    async prepare(context) {
      const workspace = join(context.scratch, "flat");
      makeFlatWorkspace(workspace);
      return { subject: plan(context, context.root, ["--workspace", workspace, "ollama", "webui"]), floor: emptyStart };
    },
  },
];
