/**
 * `bun run build`: dist/harbor.js, all of Harbor's own code in one file with its bytecode beside it, and for
 * each verb of every day a file of its own (dist/plan.js), which holds less and starts a millisecond sooner. Beside them what
 * is made of the commands' own definitions: dist/commands.json, for completion and the search, and the manual, dist/harbor.1.
 *
 * Bytecode saves a third of the start, and bun makes it of CommonJS alone, which knows no `await` at the
 * top of a module. The only one is in the guard that lets a routine run by itself, never true in a bundle: it
 * is taken out here. A module's own URL, which would be the builder's, is rewritten. npm packages stay outside.
 */
import { rename, rm, utimes } from "node:fs/promises";
import { basename } from "node:path";
import { type BuiltFolder, builtPlace } from "../routines/_script/_built-yaml.ts";
import { parsePlainYaml } from "../routines/_script/_plain-yaml.ts";
import { programVersion } from "../routines/_script/program-version.ts";
import { INDEX_FILE, indexHelp } from "../routines/help/_help-index.ts";
import { DESCRIPTION_FILE, type ProgramDescription } from "../routines/help/describe-commands.ts";
import { readExitCodes, renderManual } from "../routines/help/render-manual.ts";

const root = new URL("..", import.meta.url).pathname;
const looking = ["find", "history", "how", "info", "logs", "ls", "plan", "ps", "size", "stats", "url", "version"];
/** Of every day as well, and with something to note in the history. */
const changing = ["alias", "config", "defaults", "down", "env", "models", "profile", "secrets", "supervisor", "volumes"];
const NOTING = `import { listenForChanges } from "./routines/_script/on-change.ts";
import { noteChange } from "./routines/history/note-change.ts";
listenForChanges(noteChange);
`;

/** What dispatching the verb comes to, without the other verbs; it stands beside harbor.ts, though not on disk. */
const entryOf = (verb: string): [path: string, source: string] => [
  `${root}${verb}.ts`,
  `import { runScript } from "./routines/_script/script.ts";
import { command } from "./routines/${verb}.ts";
${changing.includes(verb) ? NOTING : ""}void runScript(command, { argv: process.argv.slice(3), program: "harbor ${verb}" });`,
];
/** What the shells' completion asks: the words after `routine complete`. No verb can have its name. */
const completion: [path: string, source: string] = [
  `${root}routine-complete.ts`,
  `import { runScript } from "./routines/_script/script.ts";
import { command } from "./routines/help/complete.ts";
void runScript(command, { argv: process.argv.slice(4), program: "harbor routine complete" });`,
];
const entries = Object.fromEntries([...[...looking, ...changing].map(entryOf), completion]);

/** `entry`: the program's own source, where it is one verb's. */
const rewrite = (entry: string | undefined): Bun.BunPlugin => ({
  name: "without top-level await",
  setup(build) {
    build.onLoad({ filter: /\/(harbor|routines\/.*)\.ts$/ }, async ({ path }) => {
      const source = await Bun.file(path).text();
      const contents = source
        .replace(/^if \(import\.meta\.main\) .*;$/m, "")
        .replaceAll("import.meta.url", "Bun.pathToFileURL(Bun.main).href");
      return { contents: entry !== undefined && !isItsOwn(path, entry) ? withoutStageCommand(contents, path) : contents, loader: "ts" };
    });
  },
});

/** Whether a stage is also the verb's subcommand, or its program. */
function isItsOwn(path: string, entry: string): boolean {
  const verb = basename(entry, ".ts");
  return path.startsWith(`${root}routines/${verb}/`) || (entry === completion[0] && path.endsWith("/help/complete.ts"));
}

/** A verb's own program calls no other stage by itself; what only such a command imports, lazily, would be in it all the same. */
function withoutStageCommand(source: string, path: string): string {
  if (!/\/routines\/[a-z]+\/[^/]+\.ts$/.test(path)) return source;
  return source.replace(/^export const command = defineCommand\([\s\S]*?^\}\);$/m, "");
}

/** The YAML of the services, read: what JSON says as well, in a file for each folder. */
async function buildYaml(target: string): Promise<void> {
  const folders = new Map<string, BuiltFolder>();
  for await (const path of new Bun.Glob("**/*.yml").scan(`${root}services`)) {
    const text = await Bun.file(`${root}services/${path}`).text();
    const value = parsePlainYaml(text)?.value;
    const json = JSON.stringify(value);
    if (json === undefined || !Bun.deepEquals(JSON.parse(json), value, true)) continue;
    const { folder, name } = builtPlace(path);
    folders.set(folder, { ...folders.get(folder), [name]: [text, json] });
  }
  for (const [folder, files] of folders) await Bun.write(`${target}/${folder}.json`, JSON.stringify(files));
}

/** Asked of the sources, which know their commands by importing them all; the names of what it makes. */
async function buildHelp(target: string): Promise<string[]> {
  const asked = Bun.spawn([process.execPath, "--no-install", `${root}harbor.ts`, "routine", "describe-commands", "--json"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const program = JSON.parse(await asked.stdout.text()) as ProgramDescription;
  const exitCodes = readExitCodes(await Bun.file(`${root}docs/exit-codes.md`).text());
  const files = {
    [DESCRIPTION_FILE.replace("dist/", "")]: JSON.stringify(program),
    [INDEX_FILE.replace("dist/", "")]: JSON.stringify(indexHelp(program.commands, root)),
    "harbor.1": renderManual({ program, exitCodes, version: programVersion(), date: new Date() }),
  };
  for (const [name, text] of Object.entries(files)) await Bun.write(`${target}/${name}`, text);
  return Object.keys(files);
}

// Renamed into place, harbor.js last: whoever starts meanwhile gets the old one or the new one. Dated from
// before the sources were read, so that one that changes meanwhile counts as newer.
const startedAt = new Date();
const fresh = `${root}dist/.new-${process.pid}`;
try {
  // Apart: a module that anything in a build imports lazily, as harbor.ts does all verbs, is wrapped in all of that build.
  const builds = [`${root}harbor.ts`, ...Object.keys(entries)].map((entry) =>
    Bun.build({
      entrypoints: [entry],
      files: entries,
      naming: "[name].[ext]",
      outdir: fresh,
      target: "bun",
      format: "cjs",
      bytecode: true,
      // the small ones go without: `--debug`, which shows a stack, is for the program that has all verbs (bin/harbor)
      sourcemap: entry in entries ? "none" : "linked",
      minify: { whitespace: true, syntax: true, identifiers: false },
      packages: "external",
      define: { HARBOR_BUNDLE: "true" },
      plugins: [rewrite(entry in entries ? entry : undefined)],
    }),
  );
  const helps = await buildHelp(fresh);
  const outputs = (await Promise.all(builds)).flatMap((built) => built.outputs);
  // They were made one folder further down than they come to stand.
  for (const { path } of outputs) {
    if (!path.endsWith(".map")) continue;
    const map = Bun.file(path);
    await map.write((await map.text()).replaceAll('"../../', '"../'));
  }
  await buildYaml(`${fresh}/yaml`);
  await rm(`${root}dist/yaml`, { recursive: true, force: true });
  await rename(`${fresh}/yaml`, `${root}dist/yaml`);
  for (const name of helps) await rename(`${fresh}/${name}`, `${root}dist/${name}`);
  // the launcher takes whatever verb stands there: one of an older build must not
  const names = [...outputs.map(({ path }) => path.slice(fresh.length + 1)), ...helps];
  for await (const name of new Bun.Glob("*.js*").scan(`${root}dist`)) if (!names.includes(name)) await rm(`${root}dist/${name}`);
  for (const { path, size } of outputs.toReversed()) {
    const name = path.slice(fresh.length + 1);
    await utimes(path, startedAt, startedAt);
    await rename(path, `${root}dist/${name}`);
    process.stderr.write(`dist/${name}  ${Math.ceil(size / 1024)} kB\n`);
  }
} finally {
  await rm(fresh, { recursive: true, force: true });
}
