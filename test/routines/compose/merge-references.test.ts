/** mergeCompose where files name other files and folders: extends, include, relative paths. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { MergeSandbox, refusal } from "./_merge-sandbox.ts";

const sandbox = new MergeSandbox();
afterAll(() => sandbox.remove());

describe("mergeCompose: extends and include", () => {
  test("a service extends one of its own file", () => {
    const { model } = sandbox.merge(["services: {a: {image: x, environment: [A=1]}, b: {extends: a, environment: [A=2]}}\n"]);
    expect(model.services).toMatchObject({ b: { image: "x", environment: ["A=2"] } });
  });

  test("paths of an extended file are seen from the project", () => {
    sandbox.write("ext/more/under.yml", "services: {under: {image: u, env_file: ./u.env, volumes: ['./d:/d', 'named:/n']}}\n");
    sandbox.write("ext/base.yml", "services: {base: {extends: {file: more/under.yml, service: under}, build: {context: .}}}\n");
    const { model, sources } = sandbox.merge(["services: {web: {extends: {file: ../ext/base.yml, service: base}}}\n"]);
    expect(model.services).toEqual({
      web: { image: "u", env_file: "../ext/more/u.env", volumes: ["../ext/more/d:/d", "named:/n"], build: { context: "../ext" } },
    });
    expect(sources.get("web")).toContain(join(sandbox.root, "ext/base.yml"));
  });

  test("an included file brings its own folder and variables", () => {
    sandbox.write(
      "inc/compose.yml",
      "services: {inc: {image: '${INNER}', hostname: '${NAME}', environment: [INNER], volumes: ['./d:/d']}}\n",
    );
    sandbox.write("inc/.env", "INNER=$$in\nNAME=ignored\n");
    const { model } = sandbox.merge(["include: [../inc/compose.yml]\n", "services: {inc: {tty: true}}\n"]);
    expect(model).toEqual({
      services: { inc: { image: "$$in", hostname: "${NAME}", environment: ["INNER=$$in"], volumes: ["../inc/d:/d"], tty: true } },
    });
  });

  const refusals: [string, string, string][] = [
    ["services that extend each other", "services: {a: {extends: b}, b: {extends: a}}\n", "in a circle"],
    ["a service that is not there", "services: {a: {extends: b}}\n", 'there is no service "b"'],
    ["a file that is not there", "services: {a: {extends: {file: none.yml, service: b}}}\n", "there is no such file"],
    ["an include that is not there", "include: [none.yml]\n", "there is no such file"],
    ["an include that is no list", "include: none.yml\n", "it has to be a list"],
    ["an include of itself", "include: [0.yml]\n", "in a circle"],
  ];
  for (const [what, text, message] of refusals)
    test(`refuses ${what}`, () => expect(refusal(() => sandbox.merge([text])).message).toContain(message));
});

describe("mergeCompose: files of several folders", () => {
  const moved = (body: string): unknown => {
    const { model } = sandbox.merge(["services: {}\n", `services: {web: ${body}}\n`], [{}, { directory: "/svc" }]);
    return (model.services as Record<string, unknown>).web;
  };
  const table: [string, string, Record<string, unknown>][] = [
    [
      "short volumes",
      "{volumes: ['./a:/a:ro', '../b:/b', 'named:/n', '/abs:/c', '~/h:/h', /anon]}",
      { volumes: ["/svc/a:/a:ro", "/b:/b", "named:/n", "/abs:/c", "~/h:/h", "/anon"] },
    ],
    [
      "volumes with defaults",
      "{volumes: ['${U:-./a}:/a', '${DIR}/x:/b', './${NAME}/y:${DIR}', '${U:-named}:/c']}",
      { volumes: ["${U:-/svc/a}:/a", "${DIR}/x:/b", "/svc/${NAME}/y:${DIR}", "${U:-named}:/c"] },
    ],
    [
      "long volumes",
      "{volumes: [{type: bind, source: a, target: /a}, {type: volume, source: a, target: /b}]}",
      {
        volumes: [
          { type: "bind", source: "/svc/a", target: "/a" },
          { type: "volume", source: "a", target: "/b" },
        ],
      },
    ],
    ["builds", "{build: ./a}", { build: "/svc/a" }],
    ["builds without a context", "{build: {target: t}}", { build: { target: "t", context: "/svc" } }],
    [
      "remote builds",
      "{build: {context: 'https://x.test/a.git', additional_contexts: {a: ./a, b: 'docker-image://x', c: 'service:d'}}}",
      { build: { context: "https://x.test/a.git", additional_contexts: { a: "/svc/a", b: "docker-image://x", c: "service:d" } } },
    ],
    [
      "env and label files",
      "{env_file: [a.env, {path: ./b.env, required: false}], label_file: ./l}",
      { env_file: ["/svc/a.env", { path: "/svc/b.env", required: false }], label_file: "/svc/l" },
    ],
    [
      "watched paths",
      "{develop: {watch: [{path: ./src, action: rebuild}]}}",
      { develop: { watch: [{ path: "/svc/src", action: "rebuild" }] } },
    ],
  ];
  for (const [what, body, expected] of table) test(`${what} mean the file's own folder`, () => expect(moved(body)).toEqual(expected));

  test("configs, secrets and bind volumes too", () => {
    const text =
      "configs: {c: {file: ./c}}\nsecrets: {s: {file: '${U:-s}'}}\nvolumes: {v: {driver: local, driver_opts: {o: bind, type: none, device: ./v}}}\n";
    const { model } = sandbox.merge([text], [{ directory: "/svc" }]);
    expect(model).toMatchObject({
      configs: { c: { file: "/svc/c" } },
      secrets: { s: { file: "${U:-/svc/s}" } },
      volumes: { v: { driver_opts: { device: "/svc/v" } } },
    });
  });

  test("a folder with a dollar sign in its name is one", () => {
    const { model } = sandbox.merge(["services: {web: {build: ./a}}\n"], [{ directory: "/s$NAME" }]);
    expect(model.services).toEqual({ web: { build: "/s$$NAME/a" } });
  });
});
