import { describe, expect, test } from "bun:test";
import { HarborError } from "../../../routines/_script/error.ts";
import type { Contract } from "../../../routines/native/read-contract.ts";
import { resolveContract } from "../../../routines/native/resolve-contract.ts";
import { READY } from "./_fixture.ts";

const CONTRACT: Contract = {
  handle: "ollama",
  path: "/w/ollama/ollama_native.yml",
  service: "ollama",
  executable: "ollama",
  args: ["serve"],
  port: "11434",
  requiresGpuPassthrough: true,
  envVars: [],
  env: {},
  envOverrides: {},
  ready: READY,
  stop: { signal: "SIGTERM", grace: "10s" },
  install: { linux: "apt-get install it" },
  document: {},
  hasProxy: false,
};

function resolve(change: Partial<Contract>, values: Record<string, string> = {}, containerPort?: number) {
  return resolveContract({ contract: { ...CONTRACT, ...change }, values: (name) => values[name], containerPort });
}

describe("resolveContract", () => {
  test("gives all that a start needs", () => {
    expect(resolve({ ready: { ...READY, http: "/v/${V}", timeout: "1s" } }, { V: "1" })).toEqual({
      handle: "ollama",
      contract: "/w/ollama/ollama_native.yml",
      argv: ["ollama", "serve"],
      cwd: "/w/ollama",
      env: {},
      port: 11434,
      containerPort: 11434,
      ready: { ...READY, http: "/v/1", timeout: "1s" },
      stop: { signal: "SIGTERM", grace: "10s" },
      install: { linux: "apt-get install it" },
    });
  });

  const words: [string, string[] | string, string[]][] = [
    ["a list item stays one word", ["a ${S}", "'q'"], ["a 1  2", "'q'"]],
    ["a text is split", "a  b\t'c d' \"e f\" g\\ h", ["a", "b", "c d", "e f", "g h"]],
    ["a value outside of quotes is split", "--x ${S} --y=${S}", ["--x", "1", "2", "--y=1", "2"]],
    ["a value in quotes is one word", "--x \"${S}\" '${S}'", ["--x", "1  2", "1  2"]],
    ["a value may quote", "${Q}", ["--a", "b c"]],
    ["a value in quotes may hold quotes", '"${Q}" "${D}"', ['--a "b c"', "it's"]],
    ["a default may hold spaces", '${NONE:-x y} "${NONE:-x y}"', ["x", "y", "x y"]],
    ["an empty value is no word", "a ${NONE:-} b", ["a", "b"]],
    ["an empty value in quotes is one", 'a "${NONE:-}" b', ["a", "", "b"]],
    ["nothing of a shell has a meaning", "a; b | $$(c) `d` * > e && f", ["a;", "b", "|", "$(c)", "`d`", "*", ">", "e", "&&", "f"]],
  ];
  test.each(words)("%s", (_, args, expected) => {
    expect(resolve({ args }, { S: "1  2", Q: '--a "b c"', D: "it's" }).argv.slice(1)).toEqual(expected);
  });

  const programs: [string, string][] = [
    ["ollama", "ollama"],
    ["./run.sh", "/w/ollama/run.sh"],
    ["bin/run", "/w/ollama/bin/run"],
    ["/opt/run", "/opt/run"],
    ["${BIN:-x}", "x"],
  ];
  test.each(programs)("runs %s as %s", (executable, expected) => {
    expect(resolve({ executable }).argv[0]).toBe(expected);
  });

  test("takes a relative working directory from the contract's folder", () => {
    expect(resolve({ workingDirectory: "./x" }).cwd).toBe("/w/ollama/x");
    expect(resolve({ workingDirectory: "${D}/x" }, { D: "/data" }).cwd).toBe("/data/x");
  });

  test("puts the user's value before the contract's, and leaves out what is not set", () => {
    const change = { env: { A: "${HARBOR_A:-1}", B: "b" }, envVars: ["B", "C", "D"] };
    expect(resolve(change, { HARBOR_A: "2", B: "user", C: "" }).env).toEqual({ A: "2", B: "user", C: "" });
  });

  test("takes the port in the stack's network from the contract, the definition, or the port itself", () => {
    expect(resolve({ containerPort: "${P:-8080}" }, {}, 80).containerPort).toBe(8080);
    expect(resolve({}, {}, 80).containerPort).toBe(80);
    expect(resolve({ port: "${P}" }, { P: "99" })).toMatchObject({ port: 99, containerPort: 99 });
  });

  const wrong: [string, Partial<Contract>, string][] = [
    ["a port", { port: "${X}" }, '"port" must be a port from 1 to 65535, not "?"'],
    ["a container port", { containerPort: "${X}" }, '"container_port" must be a port from 1 to 65535, not "?"'],
    ["a program", { executable: "${NONE:-}" }, '"executable" is empty'],
    ["a timeout", { ready: { ...READY, timeout: "${X}" } }, '"ready.timeout" must be a duration like 500ms, 10s or 1m30s, not "?"'],
    ["a signal", { stop: { signal: "${X}", grace: "1s" } }, '"stop.signal" must be a signal\'s name like SIGTERM, not "?"'],
    ["a path", { ready: { ...READY, http: "${X}" } }, '"ready.http" must be a path like /health, not "?"'],
    ["a quote", { args: "${Q}" }, "a quote in a value of its arguments is never closed"],
  ];
  test.each(wrong)("says when a value makes %s wrong", (_, change, state) => {
    let error: unknown;
    try {
      resolve(change, { X: "?", Q: "'" });
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ message: `Cannot resolve the contract of "ollama": ${state}`, at: { file: CONTRACT.path } });
  });

  test("names the key where a required value is missing", () => {
    const attempt = (): unknown => resolve({ args: ["${TOKEN:?set it}"] });
    expect(attempt).toThrow(HarborError);
    expect(attempt).toThrow(/^Cannot resolve "daemon_args" of the contract of "ollama": .*set it/);
  });
});
