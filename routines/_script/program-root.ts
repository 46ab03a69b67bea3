/** Where the program itself stands: the folder that holds package.json and services/. */

/** Defined by bin/build.ts alone: a bundle has the builder's paths in `import.meta`. */
declare const HARBOR_BUNDLE: true | undefined;

/** The same in a checkout and in the built package. */
export function programRoot(): string {
  const built = typeof HARBOR_BUNDLE !== "undefined";
  // <root>/dist/harbor.js, <root>/routines/_script/program-root.ts
  const [file, depth] = built ? [Bun.main, 2] : [import.meta.path, 3];
  return file.split("/").slice(0, -depth).join("/") || "/";
}
