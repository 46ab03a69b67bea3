/**
 * `bun run build`: dist/harbor.js, all of Harbor's own code in one file with its bytecode beside it.
 *
 * Bytecode saves a third of the start, and bun makes it of CommonJS alone, which knows no `await` at the
 * top of a module. There are two kinds of those and both are rewritten here: the guard that lets a routine
 * run by itself (never true in a bundle) and the dispatcher's one call. So is a module's own URL, which would
 * be the builder's. npm packages stay outside.
 */
import { rename, rm, utimes } from "node:fs/promises";

const root = new URL("..", import.meta.url).pathname;

const rewritten: Bun.BunPlugin = {
  name: "without top-level await",
  setup(build) {
    build.onLoad({ filter: /\/(harbor|routines\/.*)\.ts$/ }, async ({ path }) => {
      const source = await Bun.file(path).text();
      const contents = source
        .replace(/^if \(import\.meta\.main\) .*;$/m, "")
        .replace(/^await (?=dispatch\()/m, "void ")
        .replaceAll("import.meta.url", "Bun.pathToFileURL(Bun.main).href");
      return { contents, loader: "ts" };
    });
  },
};

// Renamed into place, the program last: whoever starts meanwhile gets the old one or the new one. Dated from
// before the sources were read, so that one that changes meanwhile counts as newer.
const startedAt = new Date();
const fresh = `${root}dist/.new-${process.pid}`;
try {
  const { outputs } = await Bun.build({
    entrypoints: [`${root}harbor.ts`],
    outdir: fresh,
    target: "bun",
    format: "cjs",
    bytecode: true,
    sourcemap: "linked",
    minify: { whitespace: true, syntax: true, identifiers: false },
    packages: "external",
    define: { HARBOR_BUNDLE: "true" },
    plugins: [rewritten],
  });
  // It was made one folder further down than it comes to stand.
  const map = Bun.file(`${fresh}/harbor.js.map`);
  await map.write((await map.text()).replaceAll('"../../', '"../'));
  for (const { path, size } of outputs.toReversed()) {
    const name = path.slice(fresh.length + 1);
    await utimes(path, startedAt, startedAt);
    await rename(path, `${root}dist/${name}`);
    process.stderr.write(`dist/${name}  ${Math.ceil(size / 1024)} kB\n`);
  }
} finally {
  await rm(fresh, { recursive: true, force: true });
}
