/** Where the program itself stands: the folder that holds package.json and services/. */

/** Defined by bin/build.ts alone: a bundle has the builder's paths in `import.meta`. */
declare const HARBOR_BUNDLE: true | undefined;

/** Whether this is the built program, and not its sources. */
export function isBuilt(): boolean {
  return typeof HARBOR_BUNDLE !== "undefined";
}

/** The same in a checkout and in the built package. */
export function programRoot(): string {
  // <root>/dist/harbor.js, <root>/routines/_script/program-root.ts
  const [file, depth] = isBuilt() ? [Bun.main, 2] : [import.meta.path, 3];
  return file.split("/").slice(0, -depth).join("/") || "/";
}
