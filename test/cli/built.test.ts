/** The program as it is built, in a folder of its own, against the sources. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parsePlainYaml } from "../../routines/_script/_plain-yaml.ts";
import { resultOf } from "../_process.ts";
import { checkout, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let root: string;
let cwd: string;

beforeAll(async () => {
  box = await Sandbox.create();
  expect((await box.run(["version"])).exit).toBe(0); // builds what is stale
  root = join(box.root, "package");
  cwd = join(box.root, "elsewhere");
  mkdirSync(cwd);
  for (const name of ["bin", "dist", "services", "package.json", "bunfig.toml"])
    cpSync(join(checkout, name), join(root, name), { recursive: true });
  mkdirSync(join(root, "node_modules/.harbor"), { recursive: true });
  writeFileSync(join(root, "node_modules/.harbor/ready"), `${process.execPath}\n${root}\n`);
  for (const name of ["yaml", "citty", "consola"]) symlinkSync(join(checkout, "node_modules", name), join(root, "node_modules", name));
});
afterAll(() => box.remove());

async function built(...words: string[]) {
  const child = Bun.spawn([join(root, "bin/harbor"), ...words], { cwd, env: box.env, stdout: "pipe", stderr: "pipe" });
  const { exit, stdout, stderr } = await resultOf(child);
  return { exit, stdout: stdout.replaceAll(root, checkout), stderr: stderr.replaceAll(root, checkout) };
}

async function fromSource(...words: string[]) {
  const command = [process.execPath, "--no-env-file", join(checkout, "harbor.ts"), ...words];
  return resultOf(Bun.spawn(command, { cwd, env: box.env, stdout: "pipe", stderr: "pipe" }));
}

describe("the built program", () => {
  test.each([
    [["plan", "--json", "*"]],
    [["plan", "--explain", "-x", "ollama", "webui", "nvidia"]],
    [["plan", "weboi"]],
    [["plan", "--help"]],
    [["plan", "--jsno"]],
    [["ls", "--json"]],
    [["ls", "-x"]],
    [["ps"]],
    [["url", "nothing"]],
    [["logs"]],
    [["down", "--json"]],
    [["eject", "litellm", "vllm"]],
    [["webui", "plan"]],
    [["ollama"]],
    [["routine", "complete", "--", "up", "--"]],
    [["routine", "complete", "--json", "--", "webui", "u"]],
    [["routine", "complete", "--help"]],
    [["nonsense"]],
  ])("%j says what the sources say", async (words) => {
    expect(await built(...words)).toEqual(await fromSource(...words));
  });

  test("has read the YAML of every service as it is read", () => {
    const files = [...new Bun.Glob("**/*.yml").scanSync(join(checkout, "services"))];
    expect(files.length).toBeGreaterThan(20);
    for (const path of files) {
      const [folder = "", name] = path.includes("/") ? path.split("/") : ["base", path];
      const known = JSON.parse(readFileSync(join(checkout, `dist/yaml/${folder}.json`), "utf8"))[name ?? ""];
      const text = readFileSync(join(checkout, "services", path), "utf8");
      if (known !== undefined) expect([known[0], { value: JSON.parse(known[1]) }]).toEqual([text, parsePlainYaml(text)]);
    }
  });

  test("takes a service's file as it is, not as it was built", async () => {
    appendFileSync(join(root, "services/hollama/compose.hollama.yml"), "    hostname: changed\n");
    const { stdout } = await built("plan", "--json", "hollama");
    expect(JSON.parse(stdout).compose.services.hollama.hostname).toBe("changed");
  });
});
