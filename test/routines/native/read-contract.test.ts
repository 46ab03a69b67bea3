import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HarborError } from "../../../routines/_script/error.ts";
import { type Contract, readContract } from "../../../routines/native/read-contract.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "harbor-contract-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function read(text: string): Contract {
  const path = join(folder, "ollama_native.yml");
  writeFileSync(path, text);
  return readContract({ path, handle: "ollama" });
}

/** The problems, each as `line:column: text`. */
function problems(text: string): string[] {
  try {
    read(text);
  } catch (error) {
    if (!(error instanceof HarborError)) throw error;
    const { at, message, details } = error;
    if (details.length === 0) return [`${at?.line}:${at?.column}: ${message.slice(message.indexOf(": ") + 2)}`];
    return details.map((detail) => detail.slice(`${join(folder, "ollama_native.yml")}:`.length));
  }
  return [];
}

const block = (lines: string): string => `x-harbor-native:\n  executable: ollama\n  port: 11434\n${lines}\n`;

describe("readContract", () => {
  test("reads a block at the top level, and fills in what is left out", () => {
    expect(read(block("  daemon_args: [serve]"))).toEqual({
      handle: "ollama",
      path: join(folder, "ollama_native.yml"),
      service: "ollama",
      blockPath: ["x-harbor-native"],
      executable: "ollama",
      args: ["serve"],
      port: "11434",
      requiresGpuPassthrough: false,
      envVars: [],
      env: {},
      envOverrides: {},
      ready: {
        probe_timeout: "2s",
        timeout: "60s",
        start_interval: "200ms",
        interval: "10s",
        start_period: "0s",
        successes: "1",
        failures: "3",
      },
      stop: { signal: "SIGTERM", grace: "10s" },
      restart: { policy: "on-failure", max: "5", backoff: "500ms..30s", reset_after: "60s" },
      dependsOn: {},
      logs: { max_size: "10MB", max_files: "5", max_age: "7d" },
      bridge: "relay",
      install: {},
      document: {},
      hasProxy: false,
    });
  });

  test("reads a block inside its proxy service, which stays without it", () => {
    const contract = read(`
services:
  brain:
    image: alpine/socat:1.8.0.0
    command: tcp-listen:11434,fork tcp-connect:host.docker.internal:11434
    x-harbor-native: { executable: ollama, port: 11434 }
  side: { image: busybox }
networks: { net: {} }
`);
    expect(contract).toMatchObject({ service: "brain", hasProxy: true, blockPath: ["services", "brain", "x-harbor-native"] });
    expect(contract.document).toEqual({
      services: {
        brain: { image: "alpine/socat:1.8.0.0", command: "tcp-listen:11434,fork tcp-connect:host.docker.internal:11434" },
        side: { image: "busybox" },
      },
      networks: { net: {} },
    });
  });

  test("drops a service that is nothing but the block, and keeps one that adds to the proxy", () => {
    const inside = "x-harbor-native: { executable: ollama, port: 1 }";
    expect(read(`services:\n  ollama:\n    ${inside}\n`)).toMatchObject({ document: {}, hasProxy: false });
    const added = read(`services:\n  ollama:\n    ${inside}\n    depends_on: [redis]\n`);
    expect(added).toMatchObject({ document: { services: { ollama: { depends_on: ["redis"] } } }, hasProxy: false });
  });

  test("reads every key, variables as written", () => {
    const contract = read(
      block(`
  daemon_args: [serve, --port, "\${HARBOR_P:-1}", 5, true]
  container_port: "\${HARBOR_C}"
  requires_gpu_passthrough: true
  env_vars: [OLLAMA_DEBUG]
  env: { A: "\${HARBOR_A:-x}", B: 1.10, C: 010, D: }
  env_overrides: { HARBOR_OLLAMA_INTERNAL_URL: http://ollama:11434 }
  ready: { http: /api/version, status: 200-299, body: 'ok$', probe_timeout: 1s, timeout: "\${HARBOR_T:-1m30s}", start_interval: 50ms, interval: 1s, start_period: 2s, successes: 2, failures: "\${F:-4}" }
  live: { exec: [./alive.sh, -q], interval: 30s, start_period: 1m, failures: 5, probe_timeout: 4s }
  stop: { signal: SIGINT, grace: 500ms }
  restart: { policy: no, max: 5, backoff: 500ms..30s, reset_after: 2m }
  pre_start: [./build.sh, "\${X}"]
  post_stop: { command: "rm -f '/tmp/a b'", timeout: 3s }
  depends_on: { redis: { condition: service_healthy }, migrate: { condition: service_completed_successfully }, other: }
  idle: { stop_after: 30m }
  logs: { max_size: 64KiB, max_files: 2, max_age: 1d12h }
  bridge: direct
  install: { darwin: brew install ollama, any: see the page }
  working_directory: ./data`),
    );
    expect(contract).toMatchObject({
      args: ["serve", "--port", "${HARBOR_P:-1}", "5", "true"],
      containerPort: "${HARBOR_C}",
      requiresGpuPassthrough: true,
      envVars: ["OLLAMA_DEBUG", "D"],
      env: { A: "${HARBOR_A:-x}", B: "1.10", C: "010" },
      envOverrides: { HARBOR_OLLAMA_INTERNAL_URL: "http://ollama:11434" },
      ready: {
        http: "/api/version",
        status: "200-299",
        body: "ok$",
        probe_timeout: "1s",
        timeout: "${HARBOR_T:-1m30s}",
        start_interval: "50ms",
        interval: "1s",
        start_period: "2s",
        successes: "2",
        failures: "${F:-4}",
      },
      live: {
        exec: { executable: "./alive.sh", args: ["-q"] },
        probe_timeout: "4s",
        interval: "30s",
        start_period: "1m",
        failures: "5",
      },
      stop: { signal: "SIGINT", grace: "500ms" },
      restart: { policy: "no", max: "5", backoff: "500ms..30s", reset_after: "2m" },
      preStart: { argv: { executable: "./build.sh", args: ["${X}"] }, timeout: "60s" },
      postStop: { argv: { executable: "rm", args: "-f '/tmp/a b'" }, timeout: "3s" },
      dependsOn: { redis: "service_healthy", migrate: "service_completed_successfully", other: "service_started" },
      idle: { stop_after: "30m" },
      logs: { max_size: "64KiB", max_files: "2", max_age: "1d12h" },
      bridge: "direct",
      install: { darwin: "brew install ollama", any: "see the page" },
      workingDirectory: "./data",
    });
  });

  test("counts bad answers, but takes a line that says that it is stuck at its word", () => {
    const failures = (live: string): string | undefined => read(block(`  live: { ${live} }`)).live?.failures;
    expect([failures("tcp: true"), failures("log: FATAL"), failures("log: slow, failures: 4")]).toEqual(["3", "1", "4"]);
  });

  test("takes a list for the environment, and one text for install", () => {
    expect(read(block("  env: [A=1, B, C=x=y]\n  install: make it"))).toMatchObject({
      env: { A: "1", C: "x=y" },
      envVars: ["B"],
      install: { any: "make it" },
    });
  });

  const probes: [string, string, object][] = [
    ["a connection", "{ tcp: true }", {}],
    ["a path", "{ http: /up }", { http: "/up" }],
    ["statuses", "{ http: /up, status: '200,204' }", { http: "/up", status: "200,204" }],
    ["a program as one text", "{ exec: redis-cli 'a b' ping }", { exec: { executable: "redis-cli", args: "'a b' ping" } }],
    ["a line of the log", "{ log: '^ready$' }", { log: "^ready$" }],
    ["sd_notify", "{ notify: true }", { notify: true }],
    ["none, said so", "{ tcp: false, notify: false }", {}],
  ];
  test.each(probes)("reads a probe by %s", (_, ready, expected) => {
    const { ready: read_ } = read(block(`  ready: ${ready}`));
    const kinds = Object.entries(read_).filter(([key]) => ["http", "status", "body", "exec", "log", "notify", "tcp"].includes(key));
    expect(Object.fromEntries(kinds)).toEqual(expected as Record<string, never>);
  });

  test("takes a process without a port, and compose's short list of what it waits for", () => {
    const job = "x-harbor-native: { executable: make, restart: { policy: no }, depends_on: [db, redis], ready: { log: done } }";
    const contract = read(job);
    expect(contract).not.toHaveProperty("port");
    expect(contract.dependsOn).toEqual({ db: "service_started", redis: "service_started" });
  });

  const commands: [string, string, string, string[] | string][] = [
    ["the older text", "daemon_command: ollama serve --x", "ollama", "serve --x"],
    ["a quoted program", `daemon_command: '"/opt/my app/run" a'`, "/opt/my app/run", "a"],
    ["a program from the configuration", "daemon_command: '${HARBOR_BIN:-my run} serve'", "${HARBOR_BIN:-my run}", "serve"],
    ["the older list", "daemon_command: [ollama, serve]", "ollama", ["serve"]],
    ["both, where they agree", "executable: ollama\n  daemon_args: [serve]\n  daemon_command: ollama serve", "ollama", ["serve"]],
    ["a text of arguments", "executable: ollama\n  daemon_args: serve 'a b'", "ollama", "serve 'a b'"],
    ["no arguments", "executable: ollama", "ollama", []],
  ];
  test.each(commands)("reads %s", (_, lines, executable, args) => {
    expect(read(`x-harbor-native:\n  port: 1\n  ${lines}\n`)).toMatchObject({ executable, args });
  });

  const bad: [string, string, string[]][] = [
    ["no block", "services: { a: { image: x } }", ['1:1: it has no "x-harbor-native" block, neither in a service nor at the top']],
    ["a list as the file", "- a", ['1:1: it has no "x-harbor-native" block, neither in a service nor at the top']],
    ["a block that is no map", "x-harbor-native: ollama", ['1:1: "x-harbor-native" must be a map']],
    ["no executable", "x-harbor-native:\n  port: 1", ['1:1: "executable" is missing: the program to run']],
    [
      "a proxy without a port",
      "services:\n  ollama:\n    image: p\n    x-harbor-native: { executable: a }",
      ['4:5: "port" is missing: the port that its proxy leads to'],
    ],
    [
      "what is about connections, without a port",
      "x-harbor-native:\n  executable: a\n  ready: { http: / }\n  live: { tcp: true }\n  idle: { stop_after: 1m }\n  bridge: direct\n  container_port: 1",
      [
        '7:3: "container_port" needs a "port": nothing connects to a process without one',
        '5:3: "idle" needs a "port": nothing connects to a process without one',
        '6:3: "bridge" needs a "port": nothing connects to a process without one',
        '3:12: "http" needs a "port": there is nothing to connect to',
        '4:11: "tcp" needs a "port": there is nothing to connect to',
      ],
    ],
    [
      "liveness of nothing in particular",
      "x-harbor-native: { executable: a, live: { failures: 2 } }",
      ['1:35: without a "port" it must say what to ask: exec, log, notify'],
    ],
    ["a bad expression", block("  ready:\n    log: 'a('"), ['5:5: "log" must be a regular expression, not "a(": missing )']],
    [
      "a bad expression for the body",
      block("  live: { http: /, body: '[' }"),
      [expect.stringMatching(/^4:20: "body" must be a regular expression, not "\["/)],
    ],
    ["a bad status", block("  ready: { http: /, status: 99 }"), ['4:21: "status" must be a status like 200, 200-299 or 200,204, not "99"']],
    [
      "statuses from high to low",
      block("  ready: { http: /, status: 299-200 }"),
      ['4:21: "status" must be a status like 200, 200-299 or 200,204, not "299-200"'],
    ],
    [
      "a status of no answer",
      block("  ready: { tcp: true, status: 200 }"),
      ['4:23: "status" is about the answer to "http", which is not asked'],
    ],
    [
      "a pause of nothing",
      block("  live: { interval: 0s }"),
      ['4:11: "interval" must be a duration like 500ms, 10s or 1m30s, longer than 0, not "0s"'],
    ],
    ["no successes", block("  ready: { successes: 0 }"), ['4:12: "successes" must be a whole number from 1 on, not "0"']],
    ["a hook without a command", block("  pre_start: { timeout: 1s }"), ['4:3: "pre_start" has no "command": the program to run']],
    ["a hook of nothing", block("  post_stop: []"), ['4:3: "post_stop" names no program']],
    ["an open quote in a hook", block("  pre_start: a 'b"), ['4:3: a quote in "pre_start" is never closed']],
    [
      "an unknown condition",
      block("  depends_on: { db: { condition: service_ready } }"),
      ['4:23: "condition" must be one of service_started, service_healthy, service_completed_successfully, not "service_ready"'],
    ],
    [
      "an optional dependency",
      block("  depends_on:\n    db: { condition: service_started, required: false, restart: true }"),
      [
        '5:39: "required" has no meaning here: a process waits for all it depends on, and is not restarted with it',
        '5:56: "restart" has no meaning here: a process waits for all it depends on, and is not restarted with it',
      ],
    ],
    ["a dependency that is a text", block("  depends_on: db"), ['4:3: "depends_on" must be a list']],
    ["idling without a time", block("  idle: {}"), ['4:3: "idle" has no "stop_after": how long nobody must have talked to it']],
    ["a bad size", block("  logs: { max_size: lots }"), ['4:11: "max_size" must be a size like 512kB, 10MB or 1GB, not "lots"']],
    ["a bad bridge", block("  bridge: socat"), ['4:3: "bridge" must be one of relay, direct, not "socat"']],
    [
      "a port out of range",
      "x-harbor-native:\n  executable: a\n  port: 70000",
      ['3:3: "port" must be a port from 1 to 65535, not "70000"'],
    ],
    ["a port that is none", "x-harbor-native:\n  executable: a\n  port: http", ['3:3: "port" must be a port from 1 to 65535, not "http"']],
    ["an unknown key", block("  exectuable: x"), ['4:3: unknown key "exectuable"; did you mean "executable"?']],
    ["an unknown key in ready", block("  ready:\n    htp: /x"), ['5:5: unknown key "htp"; did you mean "http"?']],
    ["an unknown platform", block("  install: { macos: x }"), ['4:14: unknown key "macos"; known are darwin, linux, win32, any']],
    ["a wrong path", block("  ready: { http: health }"), ['4:12: "http" must be a path like /health, not "health"']],
    ["two ways to be ready", block("  ready: { http: /x, tcp: true }"), ['4:22: "tcp" and "http" exclude each other']],
    ["a duration without unit", block("  stop: { grace: 10 }"), ['4:11: "grace" must be a duration like 500ms, 10s or 1m30s, not "10"']],
    [
      "an unknown signal",
      block("  stop: { signal: TERM }"),
      ['4:11: "signal" must be a signal\'s name like SIGTERM or SIGINT, not "TERM"'],
    ],
    [
      "an unknown policy",
      block("  restart: { policy: never }"),
      ['4:14: "policy" must be one of no, on-failure, always, unless-stopped, not "never"'],
    ],
    ["a bad backoff", block("  restart: { backoff: 1s..x }"), ['4:14: "backoff" must be a duration, or two like 500ms..30s, not "1s..x"']],
    ["a flag that is none", block("  requires_gpu_passthrough: yes please"), ['4:3: "requires_gpu_passthrough" must be true or false']],
    ["a name that is none", block("  env_vars: [A-B]"), ['4:3: "A-B" in "env_vars" is no name of a variable']],
    ["a nested value", block("  env: { A: [1] }"), ['4:3: "A" in "env" must be a text']],
    ["an override without value", block("  env_overrides: [A]"), ['4:3: "A" in "env_overrides" has no value']],
    ["a map of arguments", block("  daemon_args: { a: b }"), ['4:3: "daemon_args" must be a text that is not empty']],
    ["a nested argument", block("  daemon_args: [a, [b]]"), ['4:3: item 2 of "daemon_args" must be a text']],
    ["an open quote", block('  daemon_args: "serve \'a"'), ['4:3: a quote in "daemon_args" is never closed']],
    [
      "two programs",
      block("  daemon_command: llama serve"),
      ['4:3: "daemon_command" runs "llama", but "executable" is "ollama"; keep one of them'],
    ],
    [
      "two lists of arguments",
      block("  daemon_args: [a]\n  daemon_command: ollama b"),
      ['5:3: "daemon_command" and "daemon_args" give different arguments; keep "executable" and "daemon_args"'],
    ],
    [
      "two blocks",
      "x-harbor-native: { executable: a, port: 1 }\nservices:\n  b:\n    x-harbor-native: { executable: a, port: 1 }",
      ['4:5: a second "x-harbor-native"; a contract has one'],
    ],
    [
      "several problems",
      "x-harbor-native:\n  prot: 1\n  stop: { signal: X }",
      [
        '2:3: unknown key "prot"; did you mean "port"?',
        '1:1: "executable" is missing: the program to run',
        '3:11: "signal" must be a signal\'s name like SIGTERM or SIGINT, not "X"',
      ],
    ],
  ];
  test.each(bad)("tells the place of %s", (_, text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  test("passes on what the YAML reader says", () => {
    expect(() => read("x-harbor-native: { executable: [")).toThrow(HarborError);
  });

  test("says when there is no such file", () => {
    expect(() => readContract({ path: join(folder, "x_native.yml"), handle: "x" })).toThrow("there is no such file");
  });

  test("reads the examples of the documentation, all keys of which are the defaults that it says", () => {
    const page = readFileSync(join(import.meta.dir, "../../../docs/adding-a-service.md"), "utf8");
    const examples = [...page.matchAll(/^```yaml\n(x-harbor-native:\n[\s\S]*?)^```/gm)].map((match) => match[1] ?? "");
    expect(examples.map((text) => problems(text))).toEqual([[], [], []]);
    const whole = read(examples[1] ?? "");
    const plain = read("x-harbor-native: { executable: a, port: 1 }");
    const { http: _, status: __, body: ___, ...ready } = whole.ready;
    expect({ ...whole, ready }).toMatchObject({
      ready: plain.ready,
      restart: plain.restart,
      stop: plain.stop,
      logs: plain.logs,
      bridge: plain.bridge,
    });
    expect(whole.preStart?.timeout).toBe(read("x-harbor-native: { executable: a, pre_start: b }").preStart?.timeout ?? "");
    expect(whole.postStop?.timeout).toBe(read("x-harbor-native: { executable: a, post_stop: b }").postStop?.timeout ?? "");
  });

  test("reads the contracts of the catalogue", () => {
    const services = join(import.meta.dir, "../../../services");
    const files = readdirSync(services, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith("_native.yml"));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files)
      expect(readContract({ path: join(services, file), handle: file.split("/")[0] ?? "" }).executable).not.toBe("");
  });
});
