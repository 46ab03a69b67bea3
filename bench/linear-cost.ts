/** Ten times the service folders must not cost more than ten times as much. */
import { join } from "node:path";
import { type Figure, type FigureContext, ownHome } from "./_figure.ts";
import type { Sample } from "./_measure.ts";
import { makeServiceFolders } from "./make-service-folders.ts";

function sample(context: FigureContext, count: number, words: readonly string[]): Sample {
  const workspace = join(context.scratch, `folders-${count}`);
  makeServiceFolders(workspace, count);
  return {
    label: `${count} folders`,
    command: [join(context.root, "bin/harbor"), ...words, "--workspace", workspace],
    cwd: context.scratch,
    env: ownHome(context),
  };
}

function figure(name: string, words: readonly string[], runs: number): Figure {
  return {
    name,
    title: `${words.join(" ")}: 10 000 service folders / 1 000`,
    limit: 10,
    runs,
    prepare: async (context) => ({ subject: sample(context, 10_000, words), floor: sample(context, 1_000, words) }),
  };
}

export const figures: Figure[] = [
  figure("linear-ls", ["ls"], 5),
  figure("linear-plan", ["plan", "made-7", "made-8"], 10),
  figure("linear-plan-all", ["plan", "--json", "*"], 3),
];
