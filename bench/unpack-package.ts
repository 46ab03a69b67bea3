/** What npm would install of this checkout, unpacked once for all figures that measure it, with the checkout's dependencies beside it. */
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { FigureContext } from "./_figure.ts";

/** Returns its folder. */
export function unpackPackage({ root, scratch }: FigureContext): string {
  const target = join(scratch, "node_modules/harbor");
  if (existsSync(target)) return target;
  run([process.execPath, "pm", "pack", "--quiet", "--destination", scratch], root);
  mkdirSync(target, { recursive: true });
  run(["tar", "-xzf", ...new Bun.Glob("*.tgz").scanSync({ cwd: scratch, absolute: true }), "-C", target, "--strip-components=1"], scratch);
  const installed = join(root, "node_modules");
  for (const name of readdirSync(installed)) {
    if (!name.startsWith(".")) symlinkSync(join(installed, name), join(scratch, "node_modules", name));
  }
  return target;
}

function run(command: string[], cwd: string): void {
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`"${command.join(" ")}" ended with ${exitCode}: ${stderr.toString().trim().split("\n").at(-1)}`);
}
