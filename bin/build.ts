/**
 * `bun run build`: dist/harbor.js, all of Harbor's own code in one file with its bytecode beside it.
 *
 * Bytecode saves a third of the start, and bun makes it of CommonJS alone, which knows no `await` at the
 * top of a module. There are two kinds of those and both are rewritten here: the guard that lets a routine
 * run by itself (never true in a bundle) and the dispatcher's one call. npm packages stay outside.
 */
import { rm } from "node:fs/promises";

const root = new URL("..", import.meta.url).pathname;

const rewritten: Bun.BunPlugin = {
  name: "without top-level await",
  setup(build) {
    build.onLoad({ filter: /\/(harbor|routines\/.*)\.ts$/ }, async ({ path }) => {
      const source = await Bun.file(path).text();
      const contents = source.replace(/^if \(import\.meta\.main\) .*;$/m, "").replace(/^await (?=dispatch\()/m, "void ");
      return { contents, loader: "ts" };
    });
  },
};

await rm(`${root}dist`, { recursive: true, force: true });
const result = await Bun.build({
  entrypoints: [`${root}harbor.ts`],
  outdir: `${root}dist`,
  target: "bun",
  format: "cjs",
  bytecode: true,
  minify: { whitespace: true, syntax: true, identifiers: false },
  packages: "external",
  define: { HARBOR_BUNDLE: "true" },
  plugins: [rewritten],
});
for (const { path, size } of result.outputs) process.stderr.write(`${path.slice(root.length)}  ${Math.ceil(size / 1024)} kB\n`);
