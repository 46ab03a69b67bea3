/** `harbor plan` end to end against the shortest start of bun: from a checkout, as a package, on a large flat workspace. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { emptyStart, type Figure, type FigureContext, ownHome } from "./_figure.ts";
import type { Sample } from "./_measure.ts";
import { makeFlatWorkspace } from "./make-flat-workspace.ts";

/** Through the launcher, in a folder of nobody's. */
function plan(context: FigureContext, root: string, words: readonly string[]): Sample {
  const env = { ...ownHome(context), PATH: `${dirname(process.execPath)}:${process.env.PATH}` };
  return { label: "harbor plan", command: [join(root, "bin/harbor"), "plan", ...words], cwd: context.scratch, env };
}

/** What npm would install, unpacked; returns its folder. */
function unpackPackage({ root, scratch }: FigureContext): string {
  const target = join(scratch, "node_modules/harbor");
  mkdirSync(target, { recursive: true });
  run([process.execPath, "pm", "pack", "--quiet", "--destination", scratch], root);
  run(["tar", "-xzf", ...new Bun.Glob("*.tgz").scanSync({ cwd: scratch, absolute: true }), "-C", target, "--strip-components=1"], scratch);
  return target;
}

function run(command: string[], cwd: string): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`"${command.join(" ")}" ended with ${exitCode}: ${stderr.toString().trim().split("\n").at(-1)}`);
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
