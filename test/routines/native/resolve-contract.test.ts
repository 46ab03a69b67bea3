import { describe, expect, test } from "bun:test";
import { HarborError } from "../../../routines/_script/error.ts";
import { READY } from "../../../routines/native/_defaults.ts";
import type { Contract } from "../../../routines/native/read-contract.ts";
import { offersPort, resolveContract } from "../../../routines/native/resolve-contract.ts";

const READY_WRITTEN: Contract["ready"] = {
  probe_timeout: "2s",
  timeout: "60s",
  start_interval: "200ms",
  interval: "10s",
  start_period: "0s",
  successes: "1",
  failures: "3",
};

const CONTRACT: Contract = {
  handle: "ollama",
  path: "/w/ollama/ollama_native.yml",
  service: "ollama",
  blockPath: ["x-harbor-native"],
  executable: "ollama",
  args: ["serve"],
  port: "11434",
  requiresGpuPassthrough: true,
  envVars: [],
  env: {},
  envOverrides: {},
  ready: READY_WRITTEN,
  stop: { signal: "SIGTERM", grace: "10s" },
  restart: { policy: "on-failure", max: "5", backoff: "500ms..30s", reset_after: "60s" },
  dependsOn: {},
  logs: { max_size: "10MB", max_files: "5", max_age: "7d" },
  bridge: "relay",
  install: { linux: "apt-get install it" },
  document: {},
  hasProxy: false,
};

function resolve(change: Partial<Contract>, values: Record<string, string> = {}, containerPort?: number) {
  return resolveContract({ contract: { ...CONTRACT, ...change }, values: (name) => values[name], containerPort });
}

describe("resolveContract", () => {
  test("gives all that a start needs", () => {
    expect(resolve({ ready: { ...READY_WRITTEN, http: "/v/${V}", failures: "${F:-7}" } }, { V: "1" })).toEqual({
      handle: "ollama",
      contract: "/w/ollama/ollama_native.yml",
      argv: ["ollama", "serve"],
      cwd: "/w/ollama",
      env: {},
      port: 11434,
      containerPort: 11434,
      ready: { ...READY, http: "/v/1", failures: 7 },
      stop: { signal: "SIGTERM", grace: "10s" },
      restart: { policy: "on-failure", max: 5, backoff: "500ms..30s", reset_after: "60s" },
      dependsOn: {},
      logs: { max_size: "10MB", max_files: 5, max_age: "7d" },
      bridge: "relay",
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

  test("says where to listen: on loopback, or where containers connect to it themselves", () => {
    const change = { env: { LISTEN: "${HARBOR_NATIVE_ADDRESS}:1" }, bridge: "${BRIDGE:-relay}" };
    expect(resolve(change)).toMatchObject({ env: { LISTEN: "127.0.0.1:1" }, bridge: "relay" });
    const contract = { ...CONTRACT, ...change };
    const direct = resolveContract({ contract, values: () => "direct", findGateway: () => "172.17.0.1" });
    expect(direct).toMatchObject({ env: { LISTEN: "172.17.0.1:1" }, bridge: "direct", address: "172.17.0.1" });
  });

  test("fills in probes, restarts, hooks, limits and dependencies", () => {
    const change: Partial<Contract> = {
      ready: { ...READY_WRITTEN, exec: { executable: "./check ${X}", args: "--x ${S} '${S}'" } },
      live: { http: "/live", status: "${X}", body: "^ok$", probe_timeout: "1s", interval: "5s", start_period: "0s", failures: "${N}" },
      restart: { policy: "unless-stopped", max: "${N}", backoff: "1s", reset_after: "2m" },
      preStart: { argv: { executable: "make", args: ["a ${S}"] }, timeout: "${T}" },
      postStop: { argv: { executable: "rm", args: "-f ${S}" }, timeout: "5s" },
      dependsOn: { db: "service_healthy" },
      idle: { stop_after: "${T}" },
      port: "${PORT:-1}",
      env: { LISTEN: "${PORT:-1}" },
    };
    expect(resolve(change, { X: "200", S: "1  2", N: "4", T: "9m" })).toMatchObject({
      ready: { ...READY, exec: ["/w/ollama/check 200", "--x", "1", "2", "1  2"] },
      live: { http: "/live", status: "200", body: "^ok$", probe_timeout: "1s", interval: "5s", start_period: "0s", failures: 4 },
      restart: { policy: "always", max: 4, backoff: "1s..1s", reset_after: "2m" },
      preStart: { argv: ["make", "a 1  2"], timeout: "9m" },
      postStop: { argv: ["rm", "-f", "1", "2"], timeout: "5s" },
      dependsOn: { db: "service_healthy" },
      idle: { stop_after: "9m" },
    });
  });

  test("has no port at all where the contract has none", () => {
    const { port: _, ...portless } = CONTRACT;
    const spec = resolveContract({ contract: portless, values: () => undefined, containerPort: 80 });
    expect(offersPort(spec)).toBe(false);
    expect(Object.keys(spec)).not.toContain("containerPort");
  });

  const wrong: [string, Partial<Contract>, string][] = [
    ["a port", { port: "${X}" }, '"port" must be a port from 1 to 65535, not "?"'],
    ["a container port", { containerPort: "${X}" }, '"container_port" must be a port from 1 to 65535, not "?"'],
    ["a program", { executable: "${NONE:-}" }, '"executable" is empty'],
    [
      "a timeout",
      { ready: { ...READY_WRITTEN, timeout: "${X}" } },
      '"ready.timeout" must be a duration like 500ms, 10s or 1m30s, longer than 0, not "?"',
    ],
    ["a signal", { stop: { signal: "${X}", grace: "1s" } }, '"stop.signal" must be a signal\'s name like SIGTERM or SIGINT, not "?"'],
    ["a path", { ready: { ...READY_WRITTEN, http: "${X}" } }, '"ready.http" must be a path like /health, not "?"'],
    ["an expression", { ready: { ...READY_WRITTEN, log: "${X}" } }, '"ready.log" must be a regular expression, not "?": nothing to repeat'],
    [
      "a status",
      { ready: { ...READY_WRITTEN, http: "/", status: "${X}" } },
      '"ready.status" must be a status like 200, 200-299 or 200,204, not "?"',
    ],
    ["a count", { ready: { ...READY_WRITTEN, successes: "${X}" } }, '"ready.successes" must be a whole number from 1 on, not "?"'],
    [
      "a backoff",
      { restart: { ...CONTRACT.restart, backoff: "${X}" } },
      '"restart.backoff" must be a duration, or two like 500ms..30s, not "?"',
    ],
    ["a hook", { preStart: { argv: { executable: "${NONE:-}", args: [] }, timeout: "1s" } }, '"pre_start" is empty'],
    ["a size", { logs: { ...CONTRACT.logs, max_size: "${X}" } }, '"logs.max_size" must be a size like 512kB, 10MB or 1GB, not "?"'],
    ["a bridge", { bridge: "${X}" }, '"bridge" must be one of relay, direct, not "?"'],
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
