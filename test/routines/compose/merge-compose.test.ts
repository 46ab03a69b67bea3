import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseYaml, RawScalar } from "../../../routines/_script/yaml.ts";
import { formatCompose } from "../../../routines/compose/format-compose.ts";
import { mergeCompose } from "../../../routines/compose/merge-compose.ts";
import { MergeSandbox, refusal } from "./_merge-sandbox.ts";

const sandbox = new MergeSandbox();
afterAll(() => sandbox.remove());

/** What becomes of the bodies of one service, given as flow maps. */
function mergeBodies(...bodies: string[]): Record<string, unknown> {
  const { model } = sandbox.merge(bodies.map((body) => `services:\n  web: ${body}\n`));
  return (model.services as Record<string, Record<string, unknown>>).web as Record<string, unknown>;
}

describe("mergeCompose: rules", () => {
  const table: [string, string[], Record<string, unknown>][] = [
    ["replaces scalars", ["{image: a, tty: true}", "{image: b}"], { image: "b", tty: true }],
    ["keeps what null stands over", ["{image: a, ports: ['1']}", "{image: null, ports: }"], { image: "a", ports: ["1"] }],
    [
      "replaces command, entrypoint and test",
      [
        "{command: [a], entrypoint: [b], healthcheck: {test: [CMD, c], retries: 1}}",
        "{command: d, entrypoint: [e], healthcheck: {test: f}}",
      ],
      { command: "d", entrypoint: ["e"], healthcheck: { test: "f", retries: 1 } },
    ],
    [
      "resets command and entrypoint by null",
      ["{command: [a], entrypoint: [b]}", "{command: null, entrypoint: ~}"],
      { command: null, entrypoint: null },
    ],
    [
      "replaces ulimits",
      ["{ulimits: {nofile: {soft: 1, hard: 2}}}", "{ulimits: {nofile: {soft: 3, hard: 4}}}"],
      { ulimits: { nofile: { soft: 3, hard: 4 } } },
    ],
    [
      "merges environment lists by name",
      ["{environment: [A=1, B=2]}", "{environment: [C=3, A=4]}"],
      { environment: ["A=4", "B=2", "C=3"] },
    ],
    ["merges environment maps by name", ["{environment: {A: 1, B: 2}}", "{environment: {A: 4}}"], { environment: { A: 4, B: 2 } }],
    ["merges a list over a map", ["{environment: {B: 2, A: 1}}", "{environment: [A=3]}"], { environment: ["A=3", "B=2"] }],
    ["merges a map over a list", ["{labels: [a=1, b]}", "{labels: {a: 1.0, c: null}}"], { labels: ["a=1", "b", "c"] }],
    [
      "names meet after interpolation",
      ["{environment: ['${NAME}=1', B=2]}", "{environment: ['A=${X:-3}']}"],
      { environment: ["A=${X:-3}", "B=2"] },
    ],
    [
      "appends extra_hosts, each spelling once",
      ["{extra_hosts: ['a:1', 'b:2']}", "{extra_hosts: ['b:2', 'a:3']}"],
      { extra_hosts: ["a:1", "b:2", "a:3"] },
    ],
    [
      "takes a text for a list",
      ["{dns: 8.8.8.8, tmpfs: /a, env_file: a.env}", "{dns: [1.1.1.1], tmpfs: [/b, /a], env_file: b.env}"],
      { dns: ["8.8.8.8", "1.1.1.1"], tmpfs: ["/a", "/b"], env_file: ["a.env", "b.env"] },
    ],
    ["takes a path for a build", ["{build: ./a}", "{build: {target: t}}", "{build: ./b}"], { build: { context: "./b", target: "t" } }],
    [
      "tells ports apart by address, port and protocol",
      ["{ports: ['8080:80', '127.0.0.1:8080:80']}", "{ports: ['8080:80/udp', {target: 80, published: '8080', mode: host}]}"],
      { ports: [{ target: 80, published: "8080", mode: "host" }, "127.0.0.1:8080:80", "8080:80/udp"] },
    ],
    ["finds a port in a variable", ["{ports: ['${PORT}:80']}", "{ports: ['8080:80']}"], { ports: ["8080:80"] }],
    [
      "leaves a range whole where it can",
      ["{ports: ['3000-3001:3000-3001']}", "{ports: ['4000:4000']}"],
      { ports: ["3000-3001:3000-3001", "4000:4000"] },
    ],
    [
      "cuts a range where a port of it is replaced",
      ["{ports: ['3000-3001:3000-3001']}", "{ports: [{target: 3001, published: '3001', name: x}]}"],
      {
        ports: [
          { mode: "ingress", target: 3000, published: "3000", protocol: "tcp" },
          { target: 3001, published: "3001", name: "x" },
        ],
      },
    ],
    [
      "tells volumes apart by target",
      ["{volumes: ['./a:/x', 'data:/y:ro']}", "{volumes: ['${A:-./b}:/x:ro', {type: tmpfs, target: /y}]}"],
      { volumes: ["${A:-./b}:/x:ro", { type: "tmpfs", target: "/y" }] },
    ],
    ["finds a target in a variable", ["{volumes: ['./a:${DIR}']}", "{volumes: ['./b:/data']}"], { volumes: ["./b:/data"] }],
    [
      "tells devices apart by target",
      ["{devices: ['/dev/a:/dev/x', /dev/b]}", "{devices: ['/dev/c:/dev/x:r']}"],
      { devices: ["/dev/c:/dev/x:r", "/dev/b"] },
    ],
    [
      "tells configs and secrets apart by target",
      ["{configs: [a, b], secrets: [a]}", "{configs: [{source: c, target: /a}], secrets: [{source: b, target: /run/secrets/a}]}"],
      { configs: [{ source: "c", target: "/a" }, "b"], secrets: [{ source: "b", target: "/run/secrets/a" }] },
    ],
    ["takes a number and its text for one port in expose", ["{expose: ['80', 443]}", "{expose: [80]}"], { expose: [80, 443] }],
    [
      "appends other lists",
      ["{build: {cache_from: [a]}, security_opt: [x]}", "{build: {cache_from: [a]}, security_opt: [y]}"],
      { build: { cache_from: ["a", "a"] }, security_opt: ["x", "y"] },
    ],
    [
      "appends device requests",
      ["{deploy: {resources: {reservations: {devices: [{count: 1}]}}}}", "{deploy: {resources: {reservations: {devices: [{count: 1}]}}}}"],
      { deploy: { resources: { reservations: { devices: [{ count: 1 }, { count: 1 }] } } } },
    ],
    [
      "a list of dependencies resets their condition",
      ["{depends_on: {db: {condition: service_healthy, restart: true}}}", "{depends_on: [db]}"],
      { depends_on: { db: { condition: "service_started", required: true, restart: true } } },
    ],
    [
      "a dependency without a condition keeps the one it has",
      ["{depends_on: {db: {condition: service_healthy}}}", "{depends_on: {db: {restart: true}}}"],
      { depends_on: { db: { condition: "service_healthy", required: true, restart: true } } },
    ],
    [
      "a list of networks keeps aliases",
      ["{networks: {a: {aliases: [x]}}}", "{networks: [a, b]}"],
      { networks: { a: { aliases: ["x"] }, b: null } },
    ],
    [
      "merges options of one logging driver",
      ["{logging: {driver: syslog, options: {a: 1}}}", "{logging: {driver: '${DRIVER}', options: {b: 2}}}"],
      { logging: { driver: "${DRIVER}", options: { a: 1, b: 2 } } },
    ],
    [
      "another logging driver replaces the whole",
      ["{logging: {driver: a, options: {a: 1}}}", "{logging: {driver: b}}"],
      { logging: { driver: "b" } },
    ],
    ["replaces x- values whole", ["{x-a: {b: 1, c: 2}}", "{x-a: {d: 3}}"], { "x-a": { d: 3 } }],
    ["gpus: all is a request", ["{gpus: all}", "{gpus: [{count: 1}]}"], { gpus: [{ count: "all" }, { count: 1 }] }],
    [
      "keeps numbers as they are written",
      ["{mem_limit: 1, a: 0777}", "{mem_limit: 9007199254740993}"],
      { mem_limit: new RawScalar("9007199254740993", "int"), a: new RawScalar("0777", "int") },
    ],
    [
      "!reset removes",
      ["{ports: ['1'], environment: {A: 1, B: 2}}", "{ports: !reset null, environment: {A: !reset null}}"],
      { environment: { B: 2 } },
    ],
    [
      "!override replaces",
      ["{ports: ['1'], environment: {A: 1}}", "{ports: !override ['2'], environment: !override {B: 1}}"],
      { ports: ["2"], environment: { B: 1 } },
    ],
  ];
  for (const [rule, bodies, expected] of table) test(rule, () => expect(mergeBodies(...bodies)).toEqual(expected));

  test("merges address pools by subnet", () => {
    const network = (config: string): string => `networks: {n: {ipam: {config: ${config}}}}\n`;
    const { model } = sandbox.merge([
      network("[{subnet: 10.1.0.0/16, gateway: 10.1.0.1}]"),
      network("[{subnet: 10.1.0.0/16, ip_range: 10.1.1.0/24}]"),
    ]);
    expect(model.networks).toEqual({ n: { ipam: { config: [{ subnet: "10.1.0.0/16", gateway: "10.1.0.1", ip_range: "10.1.1.0/24" }] } } });
  });

  test("takes external.name for a name", () => {
    const { model } = sandbox.merge(["volumes: {v: {external: {name: a}}}\n", "volumes: {v: {name: b}}\n"]);
    expect(model.volumes).toEqual({ v: { external: true, name: "b" } });
  });

  test("merges the documents of a file one after the other", () => {
    const { model } = sandbox.merge(["services: {a: {image: x}}\n---\nservices: {a: {image: y, tty: true}}\n"]);
    expect(model).toEqual({ services: { a: { image: "y", tty: true } } });
  });

  test("gives aliases of one anchor each a copy", () => {
    const { model } = sandbox.merge([
      "x-e: &e {A: 1}\nservices: {a: {environment: *e}, b: {environment: *e}}\n",
      "services: {a: {environment: {A: 2}}}\n",
    ]);
    expect(model.services).toEqual({ a: { environment: { A: 2 } }, b: { environment: { A: 1 } } });
  });

  test("knows no names out of JavaScript's own", () => {
    const { model } = sandbox.merge(["services: {constructor: {image: a, toString: 1}}\n", "services: {constructor: {valueOf: 2}}\n"]);
    expect(Object.keys(model.services as object)).toEqual(["constructor"]);
  });
});

describe("mergeCompose: what it tells", () => {
  test("variables, with their first default and their files", () => {
    const { variables } = sandbox.merge([
      "services: {a: {image: '${I:-x}:${T:-${V:-1}}', hostname: $H}}\n",
      "services: {a: {image: '${I:-y}', tty: '${T:?}'}}\n",
    ]);
    const shown = [...variables].map(([name, { default: first, files, required }]) => [name, first, files.length, required]);
    expect(shown).toEqual([
      ["I", "x", 2, false],
      ["T", "${V:-1}", 2, true],
      ["V", "1", 1, false],
      ["H", undefined, 1, false],
    ]);
  });

  test("sources, in merge order", () => {
    const { sources } = sandbox.merge(["services: {a: {image: x}}\n", "services: {b: {image: y}}\n", "services: {a: {tty: true}}\n"]);
    expect([...sources].map(([name, files]) => [name, files.map((file) => file.slice(-5))])).toEqual([
      ["a", ["0.yml", "2.yml"]],
      ["b", ["1.yml"]],
    ]);
  });

  test("applies transforms, and leaves given documents as they are", () => {
    const document = { services: { a: { environment: { A: 1 } } } };
    const { model } = mergeCompose({
      files: [
        { path: "one", directory: sandbox.root, document },
        {
          path: "two",
          directory: sandbox.root,
          document: { services: { a: { environment: { A: 2 } }, b: {} } },
          transform: (given) => ({ services: { a: (given.services as { a: unknown }).a } }),
        },
      ],
      projectDirectory: sandbox.root,
      values: () => undefined,
    });
    expect(model).toEqual({ services: { a: { environment: { A: 2 } } } });
    expect(document).toEqual({ services: { a: { environment: { A: 1 } } } });
  });
});

describe("mergeCompose: errors", () => {
  const table: [string, string[], string, { line?: number; column?: number }][] = [
    [
      "a list where there is a map",
      ["services: {a: {healthcheck: {retries: 1}}}\n", "services:\n  a:\n    healthcheck: [x]\n"],
      'Cannot merge "services.a.healthcheck": it has to be a map',
      { line: 3, column: 5 },
    ],
    [
      "a map where there is a list",
      ["services: {a: {cap_add: [A]}}\n", "services:\n  a: {cap_add: {A: 1}}\n"],
      'Cannot merge "services.a.cap_add": it has to be a list',
      { line: 2, column: 7 },
    ],
    ["a service that is text", ["services:\n  a: x\n"], 'Cannot merge "services.a": it has to be a map', { line: 2, column: 3 }],
    ["a service with nothing in it", ["services:\n  a:\n"], 'Cannot merge "services.a": it is empty', { line: 2, column: 3 }],
    ["a section that is a list", ["volumes: [a]\n"], 'Cannot merge "volumes": it has to be a map', { line: 1, column: 1 }],
    ["a file that is a list", ["- a\n"], "its top level has to be a map", {}],
    ["a key twice", ["services:\n  a: {image: x}\n  a: {image: y}\n"], 'the key "a" is already given in line 2', { line: 3, column: 3 }],
    ["text that is not YAML", ["services:\n  a: {image: x\n"], "Cannot read YAML", {}],
  ];
  for (const [what, texts, message, place] of table) {
    test(`names file and place of ${what}`, () => {
      const error = refusal(() => sandbox.merge(texts));
      expect(error.message).toContain(message);
      expect(error.at?.file).toEndWith(`${texts.length - 1}.yml`);
      expect(error.at).toMatchObject(place);
    });
  }

  test("refuses a file that is not UTF-8", () => {
    const path = sandbox.write("latin.yml", "");
    writeFileSync(path, Buffer.from("x: caf\xe9\n", "latin1"));
    const files = [{ path, directory: sandbox.root }];
    expect(refusal(() => mergeCompose({ files, projectDirectory: sandbox.root, values: () => undefined })).message).toContain("not UTF-8");
  });

  test("a missing file is unknown", () => {
    const files = [{ path: join(sandbox.root, "none.yml"), directory: sandbox.root }];
    expect(refusal(() => mergeCompose({ files, projectDirectory: sandbox.root, values: () => undefined })).exit).toBe("unknown");
  });
});

describe("merge-compose", () => {
  const routine = resolve(import.meta.dir, "../../../routines/compose/merge-compose.ts");
  const run = (...args: string[]): { out: string; error: string; status: number } => {
    const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, routine, ...args], {
      cwd: sandbox.root,
      env: { ...process.env, FROM_ENV: "/env" },
    });
    return { out: stdout.toString(), error: stderr.toString(), status: exitCode };
  };

  test("prints the merged YAML with its variables as they are written", () => {
    sandbox.write("cli/.env", "FROM_FILE=/file\n");
    sandbox.write("cli/a.yml", "services: {a: {image: '${I:-x}', volumes: ['./a:${FROM_FILE}', './b:${FROM_ENV}']}}\n");
    sandbox.write("cli/sub/b.yml", "services: {a: {volumes: ['./c:/file', './d:/env']}}\n");
    const { out, status } = run("cli/a.yml", "cli/sub/b.yml");
    expect(status).toBe(0);
    expect(parseYaml(out, "out")).toEqual({ services: { a: { image: "${I:-x}", volumes: ["./c:/file", "./d:/env"] } } });
  });

  test("prints JSON", () => {
    sandbox.write("cli/n.yml", "services: {a: {mem_limit: 0777}}\n");
    expect(JSON.parse(run("--json", "cli/n.yml").out)).toEqual({ services: { a: { mem_limit: 511 } } });
  });

  test("says in which file and line it fails", () => {
    sandbox.write("cli/bad.yml", "services:\n  a: 1\n  a: 2\n");
    const { error, status } = run("cli/bad.yml");
    expect(status).toBe(1);
    expect(error).toContain("cli/bad.yml:3:3: Cannot read YAML");
  });

  test("what it prints is read back as it was", () => {
    const { model } = sandbox.merge(['services: {a: {labels: {a: "\\u2028 \' \\""}, mode: 0o17}}\n']);
    expect(parseYaml(formatCompose(model), "out")).toEqual(model);
  });
});
