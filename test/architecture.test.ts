/** The rules of the design that no linter knows: who may import whom, and where a routine must be listed. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { routines } from "../routines/routine.ts";

const root = resolve(import.meta.dir, "..");
const sources = ["harbor.ts", "routines/**/*.ts", "services/**/*.ts"]
  .flatMap((glob) => [...new Bun.Glob(glob).scanSync({ cwd: root })])
  .sort();

/** Repository paths that a file imports, static, type-only or lazy; by the package's own name as well. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8");
  const found = [...text.matchAll(/(?:from|import|require)\s*\(?\s*"(\.{1,2}\/|harbor\/)([^"]+)"/g)];
  return found.map(([, start = "", rest = ""]) =>
    start === "harbor/" ? `routines/${rest}.ts` : relative(root, resolve(root, dirname(file), `${start}${rest}`)),
  );
}

/** dispatcher 0, verb 1, stage 2, floor 3; a service of our own may use stages and floor. */
function layerOf(file: string): number {
  if (file === "harbor.ts") return 0;
  if (file.startsWith("routines/_script/")) return 3;
  return file.split("/").length === 2 ? 1 : 2;
}

describe("imports", () => {
  /** A service's own verb, which the dispatcher names and nothing else does. */
  const isVerbOf = (file: string, target: string): boolean => file === "harbor.ts" && /^services\/[^/]+\/command\.ts$/.test(target);

  test.each(sources.filter((file) => !file.startsWith("services/")))("%s imports nothing that stands above it, and no service", (file) => {
    const isWrong = (target: string): boolean => layerOf(target) < layerOf(file) || target.startsWith("services/");
    const wrong = importsOf(file).filter((target) => isWrong(target) && !isVerbOf(file, target));
    expect(wrong).toEqual([]);
  });

  test.each(sources.filter((file) => file.startsWith("services/")))("%s imports its own folder, stages and floor alone", (file) => {
    const own = file.split("/").slice(0, 2).join("/");
    const wrong = importsOf(file).filter((target) => !target.startsWith(`${own}/`) && layerOf(target) < 2);
    expect(wrong).toEqual([]);
  });

  test("by the package's own name are for services, whose folders are copied: to routines they are what stands beside them", () => {
    const own = sources.filter((file) => !file.startsWith("services/"));
    expect(own.filter((file) => /(?:from|import|require)\s*\(?\s*"harbor\//.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
  });

  test("a file with a leading underscore is its folder's own", () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((target) => /\/_[^/]+\.ts$/.test(target) && dirname(target) !== dirname(file))
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("npm packages are imported where they are meant to be, so that nothing heavy is loaded by accident", () => {
    const allowed: Record<string, RegExp> = {
      citty: /^routines\/_script\/help\.ts$/,
      consola: /^routines\/_script\/log\.ts$/,
      "toml-eslint-parser": /^routines\/host\/_pyproject-toml\.ts$/,
      yaml: /^routines\/_script\/_?[a-z-]*yaml[a-z-]*\.ts$/,
      zx: /^routines\/_script\/shell\.ts$/,
    };
    const wrong = sources.flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8").replace(/^import type .*$/gm, "");
      return Object.entries(allowed)
        .filter(([name, place]) => new RegExp(`(?:from|import|require)\\s*\\(?\\s*"${name}["/]`).test(text) && !place.test(file))
        .map(([name]) => `${file} imports ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  test("node:tty, which takes longer than all of a verb that looks, is loaded by nobody at the start", () => {
    const own = sources.filter((file) => !file.startsWith("services/"));
    expect(own.filter((file) => /^import (?!type).*"(?:node:)?tty"/m.test(readFileSync(join(root, file), "utf8")))).toEqual([]);
  });
});

test.each(sources)("%s begins with what it is for", (file) => {
  expect(readFileSync(join(root, file), "utf8").replace(/^#!.*\n/, "")).toStartWith("/**");
});

describe("the package", () => {
  const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { files: string[] };

  test("names only what is there; dist/ is built", () => {
    expect(files.filter((name) => name !== "dist" && !existsSync(join(root, name)))).toEqual([]);
  });

  test("holds what the README links to", () => {
    const targets = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1] ?? "");
    expect(targets.length).toBeGreaterThan(0);
    expect(targets.filter((target) => !files.some((name) => target === name || target.startsWith(`${name}/`)))).toEqual([]);
    expect(targets.filter((target) => !existsSync(join(root, target)))).toEqual([]);
  });
});

describe("routines", () => {
  const runnable = sources.filter(
    (file) =>
      layerOf(file) === 2 && file.startsWith("routines/") && readFileSync(join(root, file), "utf8").includes("export const command"),
  );

  test("every routine that runs is in the table of `harbor routine`", () => {
    const names = runnable.map((file) => file.split("/").at(-1)?.replace(/\.ts$/, "") ?? "");
    expect(names.filter((name) => !(name in routines)).sort()).toEqual([]);
    expect(Object.keys(routines).filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each(runnable)("%s names its command after its file and runs by itself", (file) => {
    const text = readFileSync(join(root, file), "utf8");
    const name = file.split("/").at(-1)?.replace(/\.ts$/, "");
    expect(text).toContain(`name: "${name}"`);
    expect(text).toStartWith("#!/usr/bin/env bun\n");
    expect(text).toContain("if (import.meta.main) await runScript(command);");
  });

  const tests = [...new Bun.Glob("test/**/*.ts").scanSync({ cwd: root })].map((file) => readFileSync(join(root, file), "utf8")).join("\n");

  test.each(runnable)("%s is imported by a test", (file) => {
    expect(tests.includes(`/${file}"`)).toBe(true);
  });
});
