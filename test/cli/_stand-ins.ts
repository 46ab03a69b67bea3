/**
 * Stand-ins for coding tools: programs by their names that talk to nobody. Each says that it is one, and prints as JSON what it
 * was given: its words, its environment, the files of its folder of Harbor's state.
 */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Given {
  /** `a stand-in for <tool>`. */
  says: string;
  args: string[];
  env: Record<string, string>;
  /** Path in `state/launch/<tool>` → text. */
  files: Record<string, string>;
  cwd: string;
}

const PROGRAM = `
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
const [name, ...args] = process.argv.slice(2);
const last = args.at(-1);
if (last === "wait") { process.on("SIGTERM", () => process.exit(5)); setInterval(() => undefined, 1000); }
const folder = join(process.env.HARBOR_HOME, "state/launch", name);
if (args[0] === "remember") { mkdirSync(folder, { recursive: true }); writeFileSync(join(folder, "session"), args[1]); }
const paths = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String).sort() : [];
const files = Object.fromEntries(paths.filter((path) => statSync(join(folder, path)).isFile()).map((path) => [path, readFileSync(join(folder, path), "utf8")]));
console.log(JSON.stringify({ says: "a stand-in for " + name, args, env: process.env, files, cwd: process.cwd() }));
if (last?.startsWith("end ")) process.exit(Number(last.slice(4)));
`;

/** Makes one for each name, in a folder for `PATH`. */
export function makeStandIns(folder: string, names: readonly string[]): string {
  const bin = join(folder, "tools");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(folder, "stand-in.ts"), PROGRAM);
  for (const name of names) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec '${process.execPath}' --no-env-file '${join(folder, "stand-in.ts")}' ${name} "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}
