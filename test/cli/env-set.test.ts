/** Variables that a user gives one service alone: a process really gets them, and a container as compose says. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ServiceEnvironment } from "../../routines/compose/explain-environment.ts";
import { freePort } from "../_ports.ts";
import { resultOf } from "../_process.ts";
import { findOracle } from "../differential/_oracle.ts";
import { echoService, Sandbox } from "./_sandbox.ts";

let box: Sandbox;
let port: number;

beforeAll(async () => {
  box = await Sandbox.create();
  port = freePort();
  box.services({
    ...echoService("echo", port),
    "boxed/compose.boxed.yml":
      'services:\n  boxed:\n    image: boxed:1\n    environment: { A: "${HARBOR_BOXED_A:-file}", B: file }\n  boxed-db:\n    image: db:1\n    environment: [C=file]\n',
    "listed/compose.listed.yml": "services:\n  listed:\n    image: listed:1\n    environment: [A=file, B]\n",
    "parts/compose.parts.yml": "services:\n  parts-api: { image: a:1 }\n  parts-web: { image: a:1 }\n",
    "other/compose.other.yml": "services:\n  other: { image: a:1 }\n",
  });
});

afterEach(() => rmSync(join(box.home, "env"), { recursive: true, force: true }));
afterAll(() => box.remove());

const env = (...words: string[]) => box.run(["env", ...words]);
const file = (handle: string): string => join(box.home, "env", `${handle}.env`);
const VALUE = `it's "x" | & $HOME \${X} \\ \`id\`\nline`;

describe("harbor env <handle> set", () => {
  test("gives a native service the variable, before whatever its files say, and takes it back", async () => {
    expect((await env("echo", "set", "ECHO_LEVEL", "mine")).stderr).toBe(`harbor: echo gets ECHO_LEVEL=mine (${file("echo")})\n`);
    await env("echo", "set", "EXTRA", VALUE);
    expect((await box.run(["up", "-x", "echo"])).exit).toBe(0);
    const real = (await (await fetch(`http://127.0.0.1:${port}`)).json()) as Record<string, string>;
    expect([real.ECHO_LEVEL, real.EXTRA]).toEqual(["mine", VALUE]);
    const { stderr } = await env("echo", "unset", "ECHO_LEVEL", "EXTRA");
    expect(stderr).toContain("harbor: echo is up: the next `harbor up` applies it\n");
    expect((await box.run(["up", "-x", "echo"])).exit).toBe(0);
    const after = (await (await fetch(`http://127.0.0.1:${port}`)).json()) as Record<string, string>;
    expect([after.ECHO_LEVEL, after.EXTRA]).toEqual(["default", undefined]);
    await box.run(["down"]);
  });

  test("takes the value from stdin, keeps it to its owner and out of listings", async () => {
    await box.run(["env", "boxed", "set", "API_TOKEN", "s3cret"]);
    expect(statSync(file("boxed")).mode & 0o777).toBe(0o600);
    for (const words of [
      ["env", "boxed"],
      ["env", "boxed", "--json"],
      ["eject", "boxed"],
      ["plan", "boxed", "--json"],
      ["plan", "-x", "echo", "--json"],
    ]) {
      expect((await box.run(words)).stdout).not.toContain("s3cret");
    }
    expect((await env("boxed")).stdout).toMatch(/^API_TOKEN +\S+env\/boxed\.env +\*{8}$/m);
    expect((await env("boxed", "get", "API_TOKEN")).stdout).toBe("s3cret\n");
    expect((await box.run(["eject", "boxed", "--resolve"])).stdout).toContain("s3cret");
  });

  test("masks a native's secrets in the printed plan, unless asked", async () => {
    await env("echo", "set", "API_TOKEN", "s3cret");
    expect((await box.run(["plan", "-x", "echo", "--json"])).stdout).not.toContain("s3cret");
    expect((await box.run(["plan", "-x", "echo", "--json", "--show-secrets"])).stdout).toContain("s3cret");
    expect((await box.run(["up", "-x", "echo", "--dry-run", "--json"])).stdout).not.toContain("s3cret");
  });

  test.each([
    [["eco", "set", "A", "1"], 4, 'Cannot find service "eco"; did you mean "echo"?'],
    [["../x", "set", "A", "1"], 2, 'Cannot use "../x" as a service'],
    [["echo", "set", "A=1"], 2, 'Cannot use "A=1" as a variable: it is no name\n  Write the value as a word of its own: A 1'],
    [["echo", "set", "A"], 2, "Cannot set a value: the value is missing"],
    [["echo", "sett", "A", "1"], 2, 'there is no such command; did you mean "set"?'],
    [["echo", "unset", "NOPE"], 4, "Cannot take NOPE from echo: you gave it none"],
    [["echo", "get", "ECHO_LEVL", "-x", "echo"], 4, 'echo gets no such variable; did you mean "ECHO_LEVEL"?'],
  ])("%j is refused, and nothing is written", async (words, exit, message) => {
    const result = await env(...words);
    expect([result.exit, result.stderr]).toEqual([exit, expect.stringContaining(message) as never]);
    expect(existsSync(join(box.home, "env"))).toBe(false);
  });

  test("may come before or after the handle, and a line that cannot be read is told", async () => {
    await env("set", "echo", "A", "1");
    await box.run(["echo", "env", "set", "B", "2"]);
    expect(readFileSync(file("echo"), "utf8")).toBe("A=1\nB=2\n");
    box.write({ "home/env/echo.env": "A=1\nwhat is this\n" });
    const { exit, stderr } = await env("echo", "-x", "echo");
    expect([exit, stderr]).toEqual([1, expect.stringContaining(`${file("echo")}:2: Cannot read a line`) as never]);
    // a broken file of one service is nothing to another
    expect((await env("boxed")).exit).toBe(0);
  });
});

const plugin = findOracle();

describe.skipIf(plugin === undefined)("in a container, as docker compose reads the merged file", () => {
  async function byCompose(...words: string[]): Promise<Record<string, Record<string, string | null>>> {
    const line = await box.json<string[]>(["cmd", ...words]);
    const argv = [plugin as string, ...line.slice(line.indexOf("compose") + 1), "config", "--format", "json"];
    const { stdout, stderr, exit } = await resultOf(
      Bun.spawn(argv, { env: { PATH: process.env.PATH ?? "" }, stdout: "pipe", stderr: "pipe" }),
    );
    if (exit !== 0) throw new Error(stderr);
    const { services } = JSON.parse(stdout) as { services: Record<string, { environment?: Record<string, string | null> }> };
    const plain = (them: Record<string, string | null> = {}): Record<string, string | null> =>
      Object.fromEntries(Object.entries(them).map(([name, value]) => [name, value?.replaceAll("$$", "$") ?? null]));
    return Object.fromEntries(Object.entries(services).map(([name, { environment }]) => [name, plain(environment)]));
  }

  test("the service gets it, in either spelling, and no other does (D8)", async () => {
    for (const handle of ["boxed", "listed", "parts"]) {
      await env(handle, "set", "A", VALUE);
      await env(handle, "set", "OWN", handle);
    }
    const mine = (handle: string) => ({ A: VALUE, OWN: handle });
    expect(await byCompose("boxed", "listed", "parts", "other")).toEqual({
      boxed: { ...mine("boxed"), B: "file" },
      "boxed-db": { C: "file" },
      listed: { ...mine("listed"), B: null },
      "parts-api": mine("parts"),
      "parts-web": mine("parts"),
      other: {},
    });
    const [boxed] = await box.json<ServiceEnvironment[]>(["env", "boxed"]);
    expect(boxed?.variables).toEqual([
      { name: "A", value: VALUE, origin: file("boxed") },
      { name: "B", value: "file", origin: join(box.home, "services/boxed/compose.boxed.yml") },
      { name: "OWN", value: "boxed", origin: file("boxed") },
    ]);
  });

  test("a variable of this shell by the same name is not taken for it", async () => {
    await env("other", "set", "A", "mine");
    const line = await box.json<string[]>(["cmd", "other"], { env: { HARBOR_ENV__OTHER__A: "theirs" } });
    expect(line.slice(0, 3)).toEqual(["env", "-u", "HARBOR_ENV__OTHER__A"]);
  });
});
